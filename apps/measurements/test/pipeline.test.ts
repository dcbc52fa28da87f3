/** `cofferdam measurements` as people use it: processes, files, exit codes. */
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cli, Program, runCli, type Finished } from "../../../test/support/program.ts";
import { generateLoad, type ExpectedLoad } from "../src/index.ts";
import type { Summary } from "../src/summary/summary.ts";
import { describeResults, has } from "./support/results.ts";

let load: string;
let expected: ExpectedLoad;
let folder: string;

beforeAll(() => {
  load = mkdtempSync(join(tmpdir(), "load-"));
  expected = generateLoad({ rawRoot: load, files: 60, runs: 20, faulty: 0.3, seed: 5 });
});
afterAll(() => rmSync(load, { recursive: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "m-"));
  cpSync(load, join(folder, "data/01_raw"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

function measurements(...args: string[]): Promise<Finished> {
  return runCli(["measurements", ...args], { cwd: folder });
}

function pipeline(...args: string[]): Promise<Finished> {
  return measurements("pipeline", "--workers", "2", "--progress", "none", ...args);
}

function readSummary(): Summary {
  return JSON.parse(readFileSync(join(folder, "s.json"), "utf8")) as Summary;
}

/** Sound files, so that nothing is rejected. */
function ideal(procedure: string): string[] {
  return expected.files
    .filter((file) => file.procedure === procedure && file.fault === null)
    .map(({ file }) => join(folder, "data/01_raw", file));
}

describe("the pipeline", { timeout: 300_000 }, () => {
  it("makes of each file what the generator's list says, and leaves no process", async () => {
    const { code, stdout, stderr } = await pipeline(
      "--summary",
      "s.json",
      "--summary",
      "s.parquet",
    );
    expect(stderr).toBe("");
    expect(code).toBe(3);
    expect(stdout).toMatch(/ 0 left \(verified\)/);
    const [staged, segmented] = readSummary().stages;
    const { totals } = expected;
    expect(staged).toMatchObject({
      ok: totals.staged,
      rejected: totals.rejected,
      produced: totals.rows,
    });
    expect(segmented).toMatchObject({
      ok: totals.runs - totals.runsRefused,
      rejected: totals.runsRefused,
      produced: totals.segments,
      processesLeft: 0,
    });
    expect(has(folder, "s.parquet")).toBe(true);
    const checked = await measurements("check");
    expect(checked.stderr).toBe("");
    expect(checked.stdout).toMatch(/: 0 differences\n$/);
    expect(checked.code).toBe(0);
  });

  it("starts stage 2 when stage 1's last process is gone, in either mode", async () => {
    for (const mode of ["one", "processes"]) {
      await pipeline("--force", "--mode", mode, "--summary", "s.json");
      expect(readSummary()).toMatchObject({ mode });
      expect(readSummary().gapSeconds).toBeGreaterThanOrEqual(0);
    }
  });

  it("gives the same in both modes, and with any number of workers", async () => {
    const results = async (name: string, ...args: string[]): Promise<unknown> => {
      await pipeline(...args);
      const described = await describeResults(join(folder, "data/02_stage"));
      const segments = await describeResults(join(folder, "data/03_intermediate"));
      rmSync(join(folder, "data/02_stage"), { recursive: true });
      rmSync(join(folder, "data/03_intermediate"), { recursive: true });
      expect(Object.keys({ ...described, ...segments }).length, name).toBeGreaterThan(60);
      return { described, segments };
    };
    const one = await results("one", "--mode", "one");
    expect(await results("processes", "--mode", "processes")).toEqual(one);
    expect(await results("one worker", "--workers", "1")).toEqual(one);
  });

  it("skips what is unchanged, and redoes what is not, and says why", async () => {
    await pipeline();
    const before = await describeResults(join(folder, "data/03_intermediate"));
    const [changed = "", touched = ""] = ideal("IV");
    const again = await pipeline("--summary", "s.json");
    expect(again.stdout).toMatch(/stage: 60 files \(60 unchanged\) → 0 rows/);
    expect(again.stdout).toMatch(/preprocess: 20 runs \(20 unchanged\) → 0 segments/);
    expect(readSummary().stages.map(({ ok }) => ok)).toEqual([0, 0]);
    appendFileSync(changed, "0.0,1e-09\n");
    utimesSync(touched, new Date(), new Date(0));
    const third = await pipeline("--summary", "s.json");
    expect(third.stdout).toMatch(/stage: 60 files \(59 unchanged, 1 content changed\)/);
    expect(third.stdout).toMatch(/preprocess: 20 runs \(19 unchanged, 1 content changed\)/);
    const after = await describeResults(join(folder, "data/03_intermediate"));
    expect(Object.keys(after)).toEqual(Object.keys(before));
    const fourth = await pipeline("--min-segment-points", "60");
    expect(fourth.stdout).toMatch(/stage: 60 files \(60 unchanged\)/);
    expect(fourth.stdout).toMatch(/preprocess: 20 runs \(20 settings changed\)/);
  });

  it("forgets what a file was when it becomes something else", async () => {
    const [file = "", other = ""] = ideal("IV");
    await pipeline();
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(/Start time: (\d)/, "Start time: 1$1").replace(/\n1\d+/, ""));
    writeFileSync(other, "");
    await pipeline("--summary", "s.json");
    const [staged, segmented] = readSummary().stages;
    const { totals } = expected;
    expect(staged).toMatchObject({ rejected: totals.rejected + 1 });
    expect(segmented?.total).toBe(totals.runs - 1);
    const results = Object.keys(await describeResults(join(folder, "data/03_intermediate")));
    const folders = new Set(results.map((name) => /run_id=\w+/.exec(name)?.[0]).filter(Boolean));
    expect(folders.size).toBe(segmented?.ok === undefined ? 0 : segmented.ok + segmented.skipped);
    writeFileSync(other, text);
    await pipeline("--summary", "s.json");
    expect(readSummary().stages[0]).toMatchObject({ rejected: totals.rejected });
    expect(readSummary().stages[0]?.reasons).toMatchObject({ "content changed": 1 });
  });

  it("is completed by the next after a SIGKILL, with the same result", async () => {
    await pipeline();
    const undisturbed = {
      staged: await describeResults(join(folder, "data/02_stage")),
      segments: await describeResults(join(folder, "data/03_intermediate")),
    };
    rmSync(join(folder, "data/02_stage"), { recursive: true });
    rmSync(join(folder, "data/03_intermediate"), { recursive: true });
    for (const moment of [
      /"type":"task-started"/,
      /"item-finished"/,
      /"preprocess"/,
      /"run-finished"/,
    ]) {
      const program = new Program(
        [cli, "measurements", "pipeline", "--workers", "2", "--progress", "json"],
        { cwd: folder },
      );
      await program.said(moment);
      process.kill(program.pid, "SIGKILL");
      await program.finished;
    }
    await pipeline();
    expect(await describeResults(join(folder, "data/02_stage"))).toEqual(undisturbed.staged);
    expect(await describeResults(join(folder, "data/03_intermediate"))).toEqual(
      undisturbed.segments,
    );
  });

  it.each(["one", "processes"])("ends in order on Ctrl-C (%s)", async (mode) => {
    const program = new Program(
      [cli, "measurements", "pipeline", "--mode", mode, "--progress", "json"],
      { cwd: folder },
    );
    await program.said(/"type":"task-started"/);
    process.kill(program.pid, "SIGINT");
    const { code } = await program.finished;
    expect(code).toBe(130);
    expect((await pipeline()).code).toBe(3);
    expect((await measurements("check")).stdout).toMatch(/: 0 differences/);
  });
});

describe("bad input", { timeout: 300_000 }, () => {
  async function refused(args: readonly string[], message: RegExp): Promise<void> {
    const { code, stderr, stdout } = await measurements(...args, "--progress", "none");
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  }

  it("no files", async () => {
    mkdirSync(join(folder, "empty"));
    await refused(["stage", "--raw-root", "empty"], /the raw root empty holds no \*\.csv/);
    await refused(["stage", "--raw-root", "none"], /the raw root none: there is no such folder/);
    await refused(["pipeline", "--raw-root", "data/01_raw/expected.json"], /it is not a folder/);
  });

  it("a time zone that there is not", () =>
    refused(["stage", "--local-tz", "Mars/Olympus"], /there is no time zone "Mars\/Olympus"/));

  it("a procedures.yml with a wrong type, or that is not there", async () => {
    writeFileSync(join(folder, "p.yml"), "procedures:\n  IV:\n    Data:\n      V: volt\n");
    await refused(
      ["stage", "--procedures-yaml", "p.yml"],
      /p\.yml:4:10: IV\.Data\.V: "volt" is no type/,
    );
    await refused(["stage", "--procedures-yaml", "q.yml"], /q\.yml: there is no such file/);
  });

  it("a stage root that holds something else", async () => {
    mkdirSync(join(folder, "home"));
    writeFileSync(join(folder, "home/letter.txt"), "Dear");
    await refused(
      ["stage", "--stage-root", "home"],
      /home holds something else \(letter\.txt\); nothing was written/,
    );
    await refused(
      ["preprocess", "--stage-root", "home"],
      /home holds something else \(letter\.txt\) and no proc=/,
    );
    await refused(["preprocess", "--stage-root", "none"], /there is no such folder/);
    await refused(["stage", "--stage-root", "home/letter.txt"], /it is not a folder/);
  });

  it("an unknown procedure, and a column that is not there", async () => {
    expect((await measurements("stage", "--progress", "none")).code).toBe(3);
    await refused(
      ["preprocess", "-p", "Foo"],
      /nothing of the procedure "Foo" is staged in .*; there are .*IV/,
    );
    await refused(
      ["preprocess", "--voltage-col", "Vx"],
      /no column "Vx"; they have Vsd \(V\), I \(A\)/,
    );
  });

  it("options and settings that make no sense", async () => {
    await refused(["stage", "--workers", "33"], /workers: a whole number from 1 to 32, not 33/);
    writeFileSync(join(folder, "c.json"), '{ "staging": { "workerz": 2 } }');
    await refused(["stage", "--config", "c.json"], /there is no setting "workerz"/);
    writeFileSync(join(folder, "c.json"), '{ "workers": "2" }');
    await refused(["stage", "--config", "c.json"], /workers is a number, not "2"/);
    writeFileSync(join(folder, "c.json"), "{");
    await refused(["stage", "--config", "c.json"], /it is not JSON/);
    await refused(["stage", "--summary", "s.csv"], /its name must end in/);
  });

  it("a load into a folder that is not empty", async () => {
    const { code, stderr } = await measurements("generate", "--files", "10", "--runs", "2");
    expect(stderr).toMatch(/data\/01_raw is not empty; nothing was written/);
    expect(code).toBe(1);
  });
});

it("takes its settings from a file, the command line first", async () => {
  const config = {
    staging: { stage_root: "st", workers: 2, polars_threads: 2 },
    output_root: "out",
  };
  writeFileSync(join(folder, "c.json"), JSON.stringify(config));
  const ran = await pipeline("--config", "c.json", "--output-root", "seg");
  expect(ran.code).toBe(3);
  expect([has(folder, "st/proc=IV"), has(folder, "seg/iv_segments"), has(folder, "out")]).toEqual([
    true,
    true,
    false,
  ]);
});
