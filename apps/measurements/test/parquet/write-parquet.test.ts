/** What others read of files that we write. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { constant, isConstant, type FileColumn } from "../../src/parquet/columns.ts";
import { readParquet } from "../../src/parquet/read-parquet.ts";
import { writeParquet } from "../../src/parquet/write-parquet.ts";
import { whyNoModules } from "../support/python.ts";

const folder = mkdtempSync(join(tmpdir(), "parquet-"));
afterAll(() => rmSync(folder, { recursive: true }));

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const values = {
  float64: fc.double(),
  int64,
  timestamp: int64,
  string: fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
  boolean: fc.boolean(),
} as const;

const kinds = Object.keys(values) as (keyof typeof values)[];

/** Columns of all kinds, constant and not, with and without what is missing. */
const tables = fc.integer({ min: 1, max: 300 }).chain((rows) =>
  fc.record({
    rows: fc.constant(rows),
    columns: fc.tuple(
      ...kinds.flatMap((kind) => {
        const value = fc.option(values[kind] as fc.Arbitrary<unknown>, { freq: 8 });
        const many = fc.array(value, { minLength: rows, maxLength: rows, size: "max" });
        return [
          many.map((all): FileColumn => ({ name: `${kind} µ`, kind, values: all })),
          value.map((one): FileColumn => constant(`same ${kind}`, kind, one)),
        ];
      }),
    ),
  }),
);

function valuesOf(column: FileColumn, rows: number): unknown[] {
  return isConstant(column)
    ? new Array<unknown>(rows).fill(column.value)
    : Array.from(column.values);
}

describe("a file of ours", { timeout: 300_000 }, () => {
  it("is read by hyparquet as it was written", async () => {
    await fc.assert(
      fc.asyncProperty(tables, async ({ rows, columns }) => {
        const read = await readParquet(writeParquet(columns, rows));
        expect(read.map(({ name, kind }) => [name, kind])).toEqual(
          columns.map(({ name, kind }) => [name, kind]),
        );
        for (const [index, column] of columns.entries())
          expect(Array.from(read[index]?.values ?? [])).toEqual(valuesOf(column, rows));
      }),
      { numRuns: 60 },
    );
  });

  const sample: FileColumn[] = [
    { name: "v", kind: "float64", values: Float64Array.from([-0, 1.5, NaN, -7.25, 1e-300]) },
    { name: "gaps", kind: "float64", values: [null, 1, null, null, 2] },
    { name: "point", kind: "int64", values: BigInt64Array.from([0n, 1n, 2n, 3n, 4n]) },
    { name: "text", kind: "string", values: ["a", null, "µA", "", "x".repeat(300)] },
    { name: "lit", kind: "boolean", values: [true, false, null, true, true] },
    constant("when", "timestamp", 1_726_394_856_200_000n),
    constant("id", "string", "55caefe6774c6b45"),
    constant("none", "string", null),
    constant("light", "boolean", true),
    constant("segment", "int64", 3n),
    constant("volts", "float64", -0.25),
  ];

  it("is read by DuckDB, which skips by its statistics", async () => {
    const path = join(folder, "sample.parquet");
    writeFileSync(path, writeParquet(sample, 5));
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const ask = async (sql: string): Promise<unknown> =>
      (await connection.runAndReadAll(sql)).getRowsJson();
    expect(
      await ask(
        `select sum(gaps), sum(point), max(length(text)), count(text), count(*) filter (lit), min("when")::varchar, min(id), count(none), bool_and(light), sum(segment), sum(volts) from '${path}'`,
      ),
    ).toEqual([
      [
        3,
        "10",
        "300",
        "4",
        "3",
        "2024-09-15 10:07:36.2+00",
        "55caefe6774c6b45",
        "0",
        true,
        "15",
        -1.25,
      ],
    ]);
    expect(await ask(`select v::varchar from '${path}'`)).toEqual([
      ["-0.0"],
      ["1.5"],
      ["nan"],
      ["-7.25"],
      ["1e-300"],
    ]);
    expect(
      await ask(
        `select path_in_schema, stats_min_value, stats_max_value, stats_null_count from parquet_metadata('${path}') where stats_max_value is not null`,
      ),
    ).toEqual([
      ["v", "-7.25", "1.5", "0"],
      ["gaps", "1.0", "2.0", "3"],
      ["point", "0", "4", "0"],
    ]);
    connection.closeSync();
    instance.closeSync();
  });

  const readers = [
    ["Polars", "polars", "polars.read_parquet(f).to_dicts()"],
    ["pandas", "pandas, pyarrow", "pyarrow.parquet.read_table(f).to_pylist()"],
  ] as const;

  for (const [name, modules, rows] of readers) {
    const missing = whyNoModules(modules);
    it.skipIf(missing !== null)(`is read by ${name}${missing ?? ""}`, () => {
      const path = join(folder, `${name}.parquet`);
      writeFileSync(path, writeParquet(sample, 5));
      const imports = modules.includes("pyarrow") ? "pyarrow.parquet" : modules;
      const program = `import ${imports}, sys; f = sys.argv[1]; print(*[[r[c] for r in ${rows}] for c in ["v", "gaps", "point", "lit", "id", "none", "light", "volts"]], sep="\\n")`;
      const printed = execFileSync("python3", ["-c", program, path], { encoding: "utf8" });
      expect(printed.trim().split("\n")).toEqual([
        "[-0.0, 1.5, nan, -7.25, 1e-300]",
        "[None, 1.0, None, None, 2.0]",
        "[0, 1, 2, 3, 4]",
        "[True, False, None, True, True]",
        `[${new Array(5).fill("'55caefe6774c6b45'").join(", ")}]`,
        "[None, None, None, None, None]",
        "[True, True, True, True, True]",
        "[-0.25, -0.25, -0.25, -0.25, -0.25]",
      ]);
    });
  }
});
