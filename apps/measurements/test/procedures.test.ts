import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadProcedures } from "../src/index.ts";

let folder: string;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "procedures-"))));
afterEach(() => rmSync(folder, { recursive: true }));

function load(text: string): Promise<unknown> {
  const path = join(folder, "p.yml");
  writeFileSync(path, text);
  return loadProcedures(path);
}

describe("procedures.yml", () => {
  it("that comes along names the instrument's seven procedures", async () => {
    const own = await loadProcedures(fileURLToPath(new URL("../procedures.yml", import.meta.url)));
    expect(Object.keys(own)).toEqual(["IV", "IVg", "IVgT", "It", "ITt", "Tt", "LaserCalibration"]);
    expect(own["IV"]?.data).toEqual({ "Vsd (V)": "float", "I (A)": "float" });
  });

  it("may give a type in a longer form, leave sections out and have others", async () => {
    const text =
      "procedures:\n  A:\n    Data:\n      x: { type: float, required: false }\n      y: INT\n    Parameters:\n    Config: { light: none }\n";
    expect(await load(text)).toEqual({
      A: { parameters: {}, metadata: {}, data: { x: "float", y: "int" } },
    });
  });

  it.each([
    [
      "procedures:\n  A:\n    Data:\n      x: flaot\n",
      /p\.yml:4:10: A\.Data\.x: "flaot" is no type/,
    ],
    ["procedures:\n  A:\n    Data:\n      x: [1]\n", /p\.yml:4:10: A\.Data\.x: this is no type/],
    ["procedures:\n  A: 3\n", /p\.yml:2:6: A is not a list/],
    ["procedures:\n  - A\n", /p\.yml:2:3: procedures is not a list/],
    ["other: 1\n", /p\.yml: it has no `procedures:`/],
    ["a: [1\n", /p\.yml:\d+:\d+: it is not YAML/],
    ["", /p\.yml:1:1: the file is not a list/],
  ])("%j is refused with its place", async (text, message) => {
    await expect(load(text)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(load(text)).rejects.toThrow(message);
  });

  it("that is not there is said to be missing", async () => {
    await expect(loadProcedures(join(folder, "none.yml"))).rejects.toThrow(/there is no such file/);
  });
});
