/** What others read of the files: DuckDB, Polars and pandas. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCli } from "../../../test/support/program.ts";
import { generateLoad, type ExpectedLoad } from "../src/index.ts";
import { whyNoModules } from "./support/python.ts";

let folder: string;
let expected: ExpectedLoad;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "readers-"));
  const rawRoot = join(folder, "data/01_raw");
  expected = generateLoad({ rawRoot, files: 24, runs: 8, faulty: 0.2, seed: 3 });
  const args = ["measurements", "pipeline", "--workers", "1", "--progress", "none"];
  expect((await runCli(args, { cwd: folder })).stderr).toBe("");
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true }));

it("DuckDB, by the query command", async () => {
  const query = (sql: string) => runCli(["measurements", "query", sql], { cwd: folder });
  const { stdout } = await query(
    "select (select count(*) from staged)::int n_rows, (select count(distinct (run_id, segment_id)) from segments)::int n_segments, (select count(*) from manifest)::int n_files",
  );
  const { rows, segments, staged } = expected.totals;
  expect(JSON.parse(stdout)).toEqual({ n_rows: rows, n_segments: segments, n_files: staged });
  const wrong = await query("select nonsense");
  expect(wrong.stderr).toMatch(/^cofferdam: DuckDB refused the query: .*nonsense[^;]*$/);
  expect(wrong.code).toBe(1);
}, 300_000);

it("the query command says which tables there are not, and what to do", async () => {
  const args = ["measurements", "query", "select * from segments", "--output-root", "none"];
  const { code, stderr } = await runCli(args, { cwd: folder });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /segments does not exist.*nothing yet for segments, segment_manifest in .*none: run `cofferdam measurements pipeline`/,
  );
});

const readers = [
  ["Polars", "polars", "polars.read_parquet(f, hive_partitioning=False).height"],
  ["pandas", "pandas, pyarrow", "len(pandas.read_parquet(f, partitioning=None))"],
] as const;

for (const [name, modules, height] of readers) {
  const missing = whyNoModules(modules);
  it.skipIf(missing !== null)(
    `${name}${missing ?? ""}`,
    () => {
      const files =
        'glob.glob("data/02_stage/raw_measurements/proc=*/**/*.parquet", recursive=True)';
      const program = `import ${modules}, glob; print(sum(${height} for f in ${files}))`;
      const printed = execFileSync("python3", ["-c", program], { cwd: folder, encoding: "utf8" });
      expect(Number(printed)).toBe(expected.totals.rows);
    },
    300_000,
  );
}

it("report: a page that loads nothing else", async () => {
  const { code } = await runCli(["measurements", "report", "--out", "r.html"], { cwd: folder });
  expect(code).toBe(0);
  const page = readFileSync(join(folder, "r.html"), "utf8");
  expect(page).toContain("Files by date and procedure");
  expect(page.match(/<polyline /g)?.length).toBeGreaterThan(3);
  expect(page).not.toMatch(/(src|href)=/);
}, 300_000);
