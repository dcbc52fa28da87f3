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
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cli, Program, runCli, type Finished } from "../../../test/support/program.ts";
import { generateLoad, type ExpectedLoad } from "../src/index.ts";
import type { Summary } from "../src/summary/summary.ts";
import { describeResults, has } from "./support/results.ts";

/** A folder in which the pipeline has run, and what is in it. */
let finished: string;
let first: Finished;
let expected: ExpectedLoad;
let undisturbed: Results;
let folder: string;

const commandLines = fileURLToPath(new URL("./programs/command-lines.ts", import.meta.url));

interface Results {
  readonly staged: Record<string, unknown>;
  readonly segments: Record<string, unknown>;
}

const raw = "data/01_raw";
const staged = "data/02_stage";
const segments = "data/03_intermediate";

beforeAll(async () => {
  finished = mkdtempSync(join(tmpdir(), "finished-"));
  const rawRoot = join(finished, raw);
  expected = generateLoad({ rawRoot, files: 60, runs: 20, faulty: 0.3, seed: 5 });
  folder = finished;
  first = await pipeline("--summary", "s.json", "--summary", "s.parquet");
  undisturbed = await results();
}, 300_000);
afterAll(() => rmSync(finished, { recursive: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "m-"));
  cpSync(join(finished, raw), join(folder, raw), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As if the pipeline had run in this test's folder. */
function afterFirstRun(): void {
  for (const name of [staged, segments])
    cpSync(join(finished, name), join(folder, name), { recursive: true });
}

async function results(): Promise<Results> {
  return {
    staged: await describeResults(join(folder, staged)),
    segments: await describeResults(join(folder, segments)),
  };
}

function removeResults(): void {
  rmSync(join(folder, staged), { recursive: true });
  rmSync(join(folder, segments), { recursive: true });
}

function measurements(...args: string[]): Promise<Finished> {
  return runCli(["measurements", ...args], { cwd: folder });
}

function pipeline(...args: string[]): Promise<Finished> {
  return measurements("pipeline", "--workers", "2", "--progress", "none", ...args);
}

function readSummary(of = folder): Summary {
  return JSON.parse(readFileSync(join(of, "s.json"), "utf8")) as Summary;
}

/** Sound files, so that nothing is rejected. */
function ideal(procedure: string): string[] {
  return expected.files
    .filter((file) => file.procedure === procedure && file.fault === null)
    .map(({ file }) => join(folder, "data/01_raw", file));
}

describe("the pipeline", { timeout: 300_000 }, () => {
  it("makes of each file what the generator's list says, and leaves no process", async () => {
    afterFirstRun();
    const { code, stdout, stderr } = first;
    expect(stderr).toBe("");
    expect(code).toBe(3);
    expect(stdout).toMatch(/ 0 left \(verified\)/);
    const summary = readSummary(finished);
    const [one, two] = summary.stages;
    const { totals } = expected;
    expect(one).toMatchObject({
      ok: totals.staged,
      rejected: totals.rejected,
      produced: totals.rows,
    });
    expect(two).toMatchObject({
      ok: totals.runs - totals.runsRefused,
      rejected: totals.runsRefused,
      produced: totals.segments,
      processesLeft: 0,
    });
    expect(summary.mode).toBe("one");
    expect(summary.gapSeconds).toBeGreaterThanOrEqual(0);
    expect(has(finished, "s.parquet")).toBe(true);
    const checked = await measurements("check");
    expect(checked.stderr).toBe("");
    expect(checked.stdout).toMatch(/: 0 differences\n$/);
    expect(checked.code).toBe(0);
  });

  it("gives the same in both modes, and with any number of workers", async () => {
    expect(Object.keys({ ...undisturbed.staged, ...undisturbed.segments }).length).toBeGreaterThan(
      60,
    );
    await pipeline("--mode", "processes", "--summary", "s.json");
    expect(readSummary()).toMatchObject({ mode: "processes" });
    expect(readSummary().gapSeconds).toBeGreaterThanOrEqual(0);
    expect(await results()).toEqual(undisturbed);
    removeResults();
    await pipeline("--workers", "1");
    expect(await results()).toEqual(undisturbed);
  });

  it("skips what is unchanged, and redoes what is not, and says why", async () => {
    afterFirstRun();
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
    expect(Object.keys((await results()).segments)).toEqual(Object.keys(undisturbed.segments));
    const fourth = await pipeline("--min-segment-points", "60");
    expect(fourth.stdout).toMatch(/stage: 60 files \(60 unchanged\)/);
    expect(fourth.stdout).toMatch(/preprocess: 20 runs \(20 settings changed\)/);
  });

  it("forgets what a file was when it becomes something else", async () => {
    afterFirstRun();
    const [file = "", other = ""] = ideal("IV");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(/Start time: (\d)/, "Start time: 1$1").replace(/\n1\d+/, ""));
    writeFileSync(other, "");
    await pipeline("--summary", "s.json");
    const [one, two] = readSummary().stages;
    const { totals } = expected;
    expect(one).toMatchObject({ rejected: totals.rejected + 1 });
    expect(two?.total).toBe(totals.runs - 1);
    const names = Object.keys((await results()).segments);
    const folders = new Set(names.map((name) => /run_id=\w+/.exec(name)?.[0]).filter(Boolean));
    expect(folders.size).toBe(two?.ok === undefined ? 0 : two.ok + two.skipped);
    writeFileSync(other, text);
    await pipeline("--summary", "s.json");
    expect(readSummary().stages[0]).toMatchObject({ rejected: totals.rejected });
    expect(readSummary().stages[0]?.reasons).toMatchObject({ "content changed": 1 });
  });

  it("is completed by the next after a SIGKILL, with the same result", async () => {
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
    expect(await results()).toEqual(undisturbed);
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
  /** Each of the command lines is refused with one line, and nothing else comes of it. */
  async function refused(...all: readonly (readonly [line: string, message: RegExp])[]) {
    const lines = all.map(([line]) => ["measurements", ...line.split(" "), "--progress", "none"]);
    const program = new Program([commandLines, JSON.stringify(lines)], { cwd: folder });
    const { stdout, stderr } = await program.finished;
    expect(stderr).toBe("");
    const ended = JSON.parse(stdout) as readonly Pick<Finished, "stdout" | "stderr" | "code">[];
    expect(ended).toHaveLength(all.length);
    for (const [index, [, message]] of all.entries()) {
      expect(ended[index]?.stderr).toMatch(message);
      expect(ended[index]?.stderr.trim().split("\n")).toHaveLength(1);
      expect(ended[index]).toMatchObject({ code: 1, stdout: "" });
    }
  }

  it("no files", async () => {
    mkdirSync(join(folder, "empty"));
    await refused(
      ["stage --raw-root empty", /the raw root empty holds no \*\.csv/],
      ["stage --raw-root none", /the raw root none: there is no such folder/],
      ["pipeline --raw-root data/01_raw/expected.json", /it is not a folder/],
    );
  });

  it("a time zone that there is not", async () => {
    const args = ["stage", "--local-tz", "Mars/Olympus", "--progress", "none"];
    const { code, stdout, stderr } = await measurements(...args);
    expect(stderr).toMatch(/^cofferdam: .*there is no time zone "Mars\/Olympus".*\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("a procedures.yml with a wrong type, or that is not there", async () => {
    writeFileSync(join(folder, "p.yml"), "procedures:\n  IV:\n    Data:\n      V: volt\n");
    await refused(
      ["stage --procedures-yaml p.yml", /p\.yml:4:10: IV\.Data\.V: "volt" is no type/],
      ["stage --procedures-yaml q.yml", /q\.yml: there is no such file/],
    );
  });

  it("a stage root that holds something else", async () => {
    mkdirSync(join(folder, "home"));
    writeFileSync(join(folder, "home/letter.txt"), "Dear");
    await refused(
      ["stage --stage-root home", /home holds something else \(letter\.txt\); nothing was written/],
      ["preprocess --stage-root home", /home holds something else \(letter\.txt\) and no proc=/],
      ["preprocess --stage-root none", /there is no such folder/],
      ["stage --stage-root home/letter.txt", /it is not a folder/],
    );
  });

  it("an unknown procedure, and a column that is not there", async () => {
    afterFirstRun();
    expect((await measurements("stage", "--progress", "none")).code).toBe(3);
    await refused(
      ["preprocess -p Foo", /nothing of the procedure "Foo" is staged in .*; there are .*IV/],
      ["preprocess --voltage-col Vx", /no column "Vx"; they have Vsd \(V\), I \(A\)/],
    );
  });

  it("options and settings that make no sense", async () => {
    writeFileSync(join(folder, "name.json"), '{ "staging": { "workerz": 2 } }');
    writeFileSync(join(folder, "type.json"), '{ "workers": "2" }');
    writeFileSync(join(folder, "text.json"), "{");
    await refused(
      ["stage --workers 33", /workers: a whole number from 1 to 32, not 33/],
      ["stage --config name.json", /there is no setting "workerz"/],
      ["stage --config type.json", /workers is a number, not "2"/],
      ["stage --config text.json", /it is not JSON/],
      ["stage --summary s.csv", /its name must end in/],
    );
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
