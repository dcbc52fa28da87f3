/** The documented file formats, column types, names and folders, against files kept beside this. */
import { cpSync, mkdtempSync, readFileSync, rmSync, globSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../../test/support/program.ts";
import { describeParquet } from "./support/results.ts";

const golden = fileURLToPath(new URL("./golden", import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "golden-"));
  cpSync(join(golden, "raw"), join(folder, "data/01_raw"), { recursive: true });
  const ran = await runCli(["measurements", "pipeline", "--workers", "1", "--progress", "none"], {
    cwd: folder,
  });
  expect(ran.stderr).toBe("");
  expect(ran.code).toBe(3);
});

afterAll(() => rmSync(folder, { recursive: true }));

async function found(): Promise<Record<string, unknown>> {
  const files: Record<string, unknown> = {};
  for (const name of globSync("data/0[23]*/**/*.{json,parquet}", { cwd: folder }).sort()) {
    const path = join(folder, name);
    if (name.endsWith(".json"))
      files[name] = JSON.parse(
        readFileSync(path, "utf8").replace(/("ts": ?)"[-0-9: T.+]+"/, '$1"…"'),
      );
    else files[name] = await describeParquet(path);
  }
  return JSON.parse(JSON.stringify(files).replace(/"20\d\d-[-0-9: .+]+00:00"/g, '"…"')) as Record<
    string,
    unknown
  >;
}

describe("the documented formats", () => {
  it("are those of the golden files", async () => {
    const kept = JSON.parse(readFileSync(join(golden, "expected.json"), "utf8")) as unknown;
    expect(await found()).toEqual(kept);
  });
});
