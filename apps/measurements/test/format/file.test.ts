import { describe, expect, it } from "vitest";
import { nameColumns } from "../../src/format/columns.ts";
import { parseHeader } from "../../src/format/header.ts";
import { parseTable } from "../../src/format/table.ts";
import { LocalZone } from "../../src/format/start-time.ts";
import { readMeasurement } from "../../src/stage/measurement.ts";

describe("the header", () => {
  it("gives procedure, parameters and metadata, and where the table begins", () => {
    const bytes = Buffer.from(
      "#Procedure: <laser_setup.procedures.IV.IV>\n#Parameters:\n#\tVG: DP + 0. V\n#\tInformation: ratio 2:1\n#\tEmpty: \n#Metadata:\n#\tStart time: 1.5\n#Data:\nV,I\n1,2\n",
    );
    const header = parseHeader(bytes);
    expect(header.procedure).toBe("IV");
    expect([...header.parameters]).toEqual([
      ["VG", "DP + 0. V"],
      ["Information", "ratio 2:1"],
      ["Empty", ""],
    ]);
    expect(header.metadata.get("Start time")).toBe("1.5");
    expect(bytes.toString("utf8", header.tableStart)).toBe("V,I\n1,2\n");
  });

  it("bears other cases, blanks, Windows line ends, and a start time among the parameters", () => {
    const header = parseHeader(
      Buffer.from("# PROCEDURE : <a.b.It>\r\n# parameters:\r\n# Start time: 9\r\n# data:\r\nt\r\n"),
    );
    expect(header.procedure).toBe("It");
    expect(header.metadata.get("Start time")).toBe("9");
  });

  it("leaves bytes out that are not UTF-8, and keeps those that are", () => {
    const bytes = Buffer.concat([
      Buffer.from("\uFEFF#Procedure: <a.IV>\n#Parameters:\n#\tA: 50 µA\n#\tB: 22 "),
      Buffer.of(0xb0),
      Buffer.from("C\n#Data:\n"),
    ]);
    const { procedure, parameters } = parseHeader(bytes);
    expect([procedure, ...parameters.values()]).toEqual(["IV", "50 µA", "22 C"]);
  });

  it("without `#Data:` ends where the first line is no comment", () => {
    const bytes = Buffer.from("#Procedure: <a.IV>\n\nV,I\n1,2\n#late\n");
    expect(bytes.toString("utf8", parseHeader(bytes).tableStart)).toMatch(/^V,I/);
    const cut = Buffer.from("#Procedure: <a.IV>\n#Para");
    expect(parseHeader(cut).tableStart).toBe(cut.length);
  });
});

describe("the table", () => {
  const read = (text: string) => parseTable(Buffer.from(text), 0);
  const values = (text: string) => read(text)?.columns.map((column) => [...column.values]);

  it("is columns of numbers", () => {
    expect(values("V,I\n0.0,1e-09\n-0.1,nan\n")).toEqual([
      [0, -0.1],
      [1e-9, NaN],
    ]);
  });

  it("leaves comments and blank lines out, and bears a missing last line break", () => {
    expect(values("#c\n\nV,I\n#c\n1,2\n\n3,4")).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });

  it("lacks the cells of short rows, and drops what long ones have too many", () => {
    const table = read("V,I\n1\n2,\n3,4,5\r\n4,1.2e-\n");
    expect(table?.columns[1]).toMatchObject({ name: "I", missing: [0, 1, 3], notNumbers: 1 });
    expect(table?.rows).toBe(4);
    expect(table?.texts(1)).toEqual([null, null, "4", "1.2e-"]);
  });

  it("may have no rows, or not even names", () => {
    expect(read("V,I\n")?.rows).toBe(0);
    expect(read("#only\n")).toBeNull();
    expect(read("")).toBeNull();
  });
});

describe("names of columns", () => {
  it("become the declared ones by spelling or by synonym, each once", () => {
    const declared = { "Vsd (V)": "float", "I (A)": "float", "t (s)": "float" } as const;
    expect(nameColumns(["VSD [V]", "i_a", "Time", "Note"], declared)).toEqual([
      "Vsd (V)",
      "I (A)",
      "t (s)",
      "Note",
    ]);
    expect(nameColumns(["current", "I (A)"], declared)).toEqual(["current", "I (A)"]);
  });
});

describe("a measurement", () => {
  const read = (table: string) =>
    readMeasurement(Buffer.from(`#Procedure: <a.IV>\n#Data:\n${table}`), "/raw/1.csv", {
      procedures: {},
      zone: new LocalZone("UTC"),
      onlyYamlData: false,
      modifiedMs: 0,
    });

  it("keeps every column of a name that is given twice", () => {
    const { columns } = read("Vsd (V),I (A),I (A),I (A)\n1,2,3,4\n");
    expect(columns.slice(0, 4).map(({ name }) => name)).toEqual([
      "Vsd (V)",
      "I (A)",
      "I (A)_duplicated_0",
      "I (A)_duplicated_1",
    ]);
  });

  it("is known by its header, whatever its table calls a column", () => {
    const { columns, runId } = read("run_id,Vsd (V),proc\n7,1,8\n");
    const named = (wanted: string) => columns.filter(({ name }) => name === wanted);
    expect(named("run_id")).toMatchObject([{ value: runId }]);
    expect(named("proc")).toMatchObject([{ value: "IV" }]);
    expect(columns[0]?.name).toBe("Vsd (V)");
  });
});
