/** What becomes of results when their input is another, or none: nothing stale, nothing of others. */
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli, type Finished } from "../../../test/support/program.ts";
import { sweep } from "./support/sweep.ts";

const dieOf = fileURLToPath(new URL("./programs/die-of.ts", import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "m-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
}

interface How {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

function run(words: string, { cwd = ".", env = {} }: How = {}): Promise<Finished> {
  const args = ["measurements", ...words.split(" "), "--workers", "1", "--progress", "none"];
  return runCli(args, { cwd: join(folder, cwd), env });
}

/** Data files and events of a stage, and not its manifest and state. */
function results(root: string): string[] {
  return globSync(["proc=*/**/*.parquet", "_manifest/events/*", "../_rejects/*"], {
    cwd: join(folder, root),
  }).sort();
}

describe("two stage roots and one output root", () => {
  const segments = "out/iv_segments";

  /** Both are called `stage`, each in a folder of its own. */
  beforeEach(async () => {
    for (const lab of ["east", "west"]) {
      write(`${lab}/raw/${lab}.csv`, sweep("IV"));
      const staged = await run("stage --raw-root raw --stage-root stage", { cwd: lab });
      expect(staged.code).toBe(0);
    }
  });

  it.each([
    ["by paths that differ", { east: "../east/stage", west: "../west/stage" }],
    ["by one relative path", { east: "stage", west: "stage" }],
  ])("keep each its segments, named %s", async (_, roots) => {
    const preprocess = (lab: "east" | "west"): Promise<Finished> =>
      run(`preprocess --stage-root ${roots[lab]} --output-root ../out`, { cwd: lab });
    await preprocess("east");
    const first = results(segments);
    expect(first).toHaveLength(5);
    expect((await preprocess("west")).stdout).toMatch(/1 runs? \(1 new\)/);
    const both = results(segments);
    expect(both).toHaveLength(10);
    expect(both).toEqual(expect.arrayContaining(first));
    expect((await preprocess("east")).stdout).toMatch(/1 runs? \(1 unchanged\)/);
    // What its own stage root holds no more is removed, and that alone.
    write("west/raw/west.csv", sweep("IV", { startTime: 1726500000.5 }));
    await run("stage --raw-root raw --stage-root stage", { cwd: "west" });
    await preprocess("west");
    const after = results(segments);
    expect(after).toHaveLength(10);
    expect(after).toEqual(expect.arrayContaining(first));
    expect(after).not.toEqual(both);
  });

  it("keep a run's segments when it is named by another path", async () => {
    await run("preprocess --stage-root stage --output-root ../out", { cwd: "east" });
    const before = results(segments);
    const root = join(folder, "east/stage");
    const again = await run(`preprocess --stage-root ${root} --output-root ../out`, {
      cwd: "east",
    });
    expect(again.code).toBe(0);
    expect(results(segments)).toEqual(before);
  });
});

describe("a file that its worker dies of", () => {
  const roots = "--raw-root raw --stage-root stage/raw_measurements --output-root out";
  const deadly = (name: string): How => ({
    env: { NODE_OPTIONS: `--import=${dieOf}`, DIE_OF: name },
  });

  beforeEach(async () => {
    for (const name of ["a", "b"]) write(`raw/${name}.csv`, sweep("IV"));
    expect((await run(`pipeline ${roots}`)).code).toBe(0);
  });

  it("is staged no more, and has no segments", async () => {
    const before = results("stage/raw_measurements");
    write("raw/a.csv", sweep("IV", { sample: "t" }));
    const ran = await run(`pipeline ${roots}`, deadly("a.csv"));
    expect(ran.stdout).toMatch(/stage: rejected: 1 WORKER_LOST/);
    expect(ran.stdout).toMatch(/preprocess: 1 runs? \(1 unchanged\)/);
    expect(ran.code).toBe(3);
    const after = results("stage/raw_measurements");
    expect(after.filter((name) => name.includes("reject"))).toHaveLength(1);
    expect(after.filter((name) => before.includes(name))).toHaveLength(2);
    expect(results("out/iv_segments")).toHaveLength(5);
    expect((await run(`pipeline ${roots}`)).code).toBe(0);
    expect(results("stage/raw_measurements")).toEqual(before);
    expect(results("out/iv_segments")).toHaveLength(10);
  });

  it("has no segments when it is a staged run", async () => {
    const runId = /run_id=(\w+)/.exec(results("stage/raw_measurements").join())?.[1] ?? "";
    const before = results("out/iv_segments");
    const ran = await run(
      `preprocess ${roots} --force`.replace("--raw-root raw ", ""),
      deadly(`run_id=${runId}/part-000.parquet`),
    );
    expect(ran.stdout).toMatch(/preprocess: rejected: 1 WORKER_LOST/);
    expect(ran.code).toBe(3);
    const after = results("out/iv_segments");
    expect(after.filter((name) => name.includes(runId))).toEqual([]);
    expect(after.filter((name) => name.includes("segment-error"))).toHaveLength(1);
    expect((await run(`pipeline ${roots}`)).code).toBe(0);
    expect(results("out/iv_segments")).toEqual(before);
  });
});
