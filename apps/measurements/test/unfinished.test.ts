/** What a later run makes of one that did not come to its end. */
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli, type Finished } from "../../../test/support/program.ts";
import { describeParquet } from "./support/results.ts";
import { sweep } from "./support/sweep.ts";

const bootIdFile = "/proc/sys/kernel/random/boot_id";
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "m-"));
  const raw = join(folder, "data/01_raw");
  mkdirSync(raw, { recursive: true });
  for (const name of ["a", "b", "c"]) writeFileSync(join(raw, `${name}.csv`), sweep("IV"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(command: string, ...args: string[]): Promise<Finished> {
  const common = ["--workers", "1", "--progress", "none"];
  return runCli(["measurements", command, ...common, ...args], { cwd: folder });
}

const stages = [
  { command: "stage", root: "data/02_stage/raw_measurements" },
  { command: "preprocess", root: "data/03_intermediate/iv_segments" },
];

function parts(root: string): string[] {
  return globSync("proc=*/**/*.parquet", { cwd: join(folder, root) }).map((name) =>
    join(folder, root, name),
  );
}

/** As if the last run had done all its work and been killed then. */
function unend(root: string, change?: (key: string) => string): void {
  using database = new DatabaseSync(join(folder, root, "_manifest/state.db"));
  const last = database.prepare("SELECT run, recipe FROM runs ORDER BY run DESC LIMIT 1").get();
  const key = String(last?.["recipe"]);
  database
    .prepare("UPDATE runs SET ended = 0, recipe = ? WHERE run = ?")
    .run(change?.(key) ?? key, last?.["run"] ?? null);
}

it.each(stages)(
  "$command writes the manifest that one before could not",
  async ({ command, root }) => {
    await run("pipeline");
    const manifest = join(folder, root, "_manifest/manifest.parquet");
    const before = await describeParquet(manifest);
    rmSync(manifest);
    unend(root);
    expect((await run(command)).code).toBe(0);
    expect(await describeParquet(manifest)).toEqual(before);
  },
);

describe.each(stages)("a forced $command", ({ command, root }) => {
  beforeEach(async () => {
    expect((await run("pipeline")).code).toBe(0);
    expect((await run(command, "--force")).code).toBe(0);
  });

  it.skipIf(!existsSync(bootIdFile))("goes on where another was that was killed", async () => {
    unend(root);
    const { stdout, code } = await run(command, "--force");
    expect(stdout).toMatch(
      new RegExp(`${command}: 3 (files|runs) \\(3 done before the interruption\\)`),
    );
    expect(code).toBe(0);
  });

  it("does all again when the machine went down meanwhile", async () => {
    const boot = existsSync(bootIdFile) ? readFileSync(bootIdFile, "utf8").trim() : "";
    unend(root, (key) => key.replace(boot, "00000000-0000-4000-8000-000000000000"));
    const lost = parts(root);
    for (const path of lost) truncateSync(path, 0);
    expect(lost.length).toBeGreaterThan(2);
    const { stdout, code } = await run(command, "--force");
    expect(stdout).toMatch(new RegExp(`${command}: 3 (files|runs) \\(3 forced\\)`));
    expect(code).toBe(0);
    expect(lost.map((path) => statSync(path).size)).not.toContain(0);
  });

  it("does all again after one without --force that was killed", async () => {
    rmSync(join(folder, root), { recursive: true });
    await run(command);
    unend(root);
    const { stdout } = await run(command, "--force");
    expect(stdout).toMatch(new RegExp(`${command}: 3 (files|runs) \\(3 forced\\)`));
  });
});
