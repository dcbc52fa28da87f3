/** `cofferdam sweep` as a program. */
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { namespaced } from "../../../../test/support/containment.ts";
import { keeperOf } from "../../../../test/support/processes.ts";
import { cli, Program, runCli } from "../../../../test/support/program.ts";

interface Told {
  readonly schema: number;
  readonly base: string;
  readonly dryRun: boolean;
  readonly runs: readonly { run: string; by: string; state: string; removed: boolean }[];
  readonly problems: readonly string[];
}

let folder: string;
let base: string;
let env: Record<string, string>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sweep-"));
  base = join(folder, `cofferdam-${userInfo().uid}`);
  env = { TMPDIR: folder };
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function sweep(...args: string[]): Promise<{ code: number | null; told: Told }> {
  const { code, stdout, stderr } = await runCli(["sweep", "--json", ...args], { env });
  expect(stdout, stderr).not.toBe("");
  return { code, told: JSON.parse(stdout) as Told };
}

/** A command in containment, which has said the pid of a process that no signal of ours reaches. */
async function start(way: string): Promise<{ program: Program; pid: number; run: string }> {
  const script = "trap '' TERM HUP; setsid sleep 600 & echo pid $!; wait";
  const program = new Program([cli, "exec", "--", "sh", "-c", script], {
    env: { ...env, COFFERDAM_CONTAINMENT: way },
  });
  const [, pid] = await program.said(/pid (\d+)/);
  const run = readdirSync(base).find((name) => !name.startsWith("."));
  return { program, pid: Number(pid), run: run ?? "" };
}

/** A zombie is dead: whoever has adopted it may take its time. */
function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
  } catch {
    return false;
  }
}

/** Something that answers like a keeper, to see what is made of its answers. */
function standIn(script: string): void {
  const path = join(folder, "keeper");
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  env["COFFERDAM_KEEPER"] = path;
}

function makeRun(name: string): void {
  mkdirSync(join(base, name), { recursive: true, mode: 0o700 });
}

describe("runs without a keeper", () => {
  it("ends and removes what a dead one left, and with --dry-run only says so", async () => {
    const { program, pid, run } = await start("group");
    const exited = once(program.child, "exit");
    program.child.kill("SIGKILL");
    await exited;

    const looked = await sweep("--dry-run");
    expect(looked).toMatchObject({
      code: 0,
      told: { dryRun: true, runs: [{ run, by: "group", state: "dead", removed: false }] },
    });
    expect([isAlive(pid), existsSync(join(base, run))]).toEqual([true, true]);

    const swept = await runCli(["sweep"], { env });
    expect(swept.stdout).toMatch(
      new RegExp(`^${run}  dead: [2-4] processes ended, folder removed\n1 dead run removed`),
    );
    expect(swept.code).toBe(0);
    await program.finished;
    expect([isAlive(pid), existsSync(join(base, run))]).toEqual([false, false]);
  });

  it("does not touch a live one", async () => {
    const { program, pid, run } = await start("group");
    const { code, told } = await sweep();
    expect({ code, runs: told.runs }).toMatchObject({ code: 0, runs: [{ run, state: "live" }] });
    expect([isAlive(pid), existsSync(join(base, run))]).toEqual([true, true]);
    const said = await runCli(["sweep"], { env });
    expect(said.stdout).toContain(`${run}  live: left alone\n`);
    program.child.kill("SIGINT");
    program.child.kill("SIGINT");
    process.kill(pid, "SIGKILL");
    await program.finished;
  });

  it("removes one whose making or removal was cut off", async () => {
    makeRun("g0123abcd");
    expect(await sweep("--dry-run")).toMatchObject({
      told: { runs: [{ run: "g0123abcd", state: "dead", processes: 0, removed: false }] },
    });
    expect(readdirSync(join(base, "g0123abcd"))).toEqual([]);
    expect(await sweep()).toMatchObject({ code: 0, told: { runs: [{ removed: true }] } });
    expect(readdirSync(base)).toEqual([]);
  });

  it("leaves alone what it cannot judge, and names no run of its own", async () => {
    makeRun("g0123abcd");
    writeFileSync(join(base, "g0123abcd", "ledger.db"), "not a ledger ".repeat(100));
    makeRun("somebody-elses");
    const { code, told } = await sweep();
    expect({ code, runs: told.runs }).toMatchObject({
      code: 3,
      runs: [{ run: "g0123abcd", state: "stuck", removed: false }],
    });
    expect(readdirSync(base).sort()).toEqual(["g0123abcd", "somebody-elses"]);
  });
});

describe("runs of a keeper", () => {
  const lines = (...rows: string[][]): string =>
    `printf '${rows.map((row) => row.join("\\t") + "\\n").join("")}'`;

  it("are the keeper's to judge", async () => {
    makeRun("0123abcd");
    standIn(
      `echo "$@" > "${folder}/asked"\n` +
        lines(["0123abcd", "dead", "2", "1"], ["4567cdef", "live", "0", "0"]),
    );
    const { code, stdout } = await runCli(["sweep"], { env });
    expect(stdout).toBe(
      "0123abcd  dead: 2 processes ended, folder removed\n" +
        "4567cdef  live: left alone\n" +
        `1 dead run removed · 2 processes ended · 1 live (${base})\n`,
    );
    expect(code).toBe(0);
    expect(await sweep("--dry-run")).toMatchObject({ code: 0 });
  });

  it.skipIf(namespaced.skip)(namespaced.name("are removed when all have died"), async () => {
    const { program, run } = await start("");
    const keeper = keeperOf(program.pid);
    const live = await sweep();
    expect(live).toMatchObject({ code: 0, told: { runs: [{ run, by: "keeper", state: "live" }] } });

    process.kill(keeper, "SIGSTOP"); // it would clean up after Node
    process.kill(program.pid, "SIGKILL");
    process.kill(keeper, "SIGKILL");
    await program.finished;
    const looked = await sweep("--dry-run");
    expect(looked.told.runs).toMatchObject([{ run, state: "dead", removed: false }]);
    expect(existsSync(join(base, run))).toBe(true);
    const swept = await sweep();
    expect(swept).toMatchObject({
      code: 0,
      told: { runs: [{ run, state: "dead", removed: true }] },
    });
    expect(readdirSync(base)).toEqual([]);
  });

  it("exits with 3 when something could not be removed", async () => {
    makeRun("0123abcd");
    standIn(`${lines(["0123abcd", "stuck", "1", "0"])}; exit 1`);
    const { code, stdout } = await runCli(["sweep"], { env });
    expect(stdout).toMatch(/^0123abcd {2}stuck: .*\n0 dead runs removed .* 1 left as they are/);
    expect(code).toBe(3);
  });

  it.each([
    [
      "there is none",
      () => (env["COFFERDAM_KEEPER"] = "/nowhere"),
      /no executable file: \/nowhere/,
    ],
    ["it does not know how", () => standIn("echo usage >&2; exit 125"), /--sweep: usage/],
  ])("are left alone where %s", async (_why, prepare, message) => {
    makeRun("0123abcd");
    prepare();
    const { code, told } = await sweep();
    expect(code).toBe(3);
    expect(told.runs).toMatchObject([{ run: "0123abcd", by: "keeper", state: "unknown" }]);
    expect(told.problems.join()).toMatch(message);
    expect(existsSync(join(base, "0123abcd"))).toBe(true);
    expect((await sweep("--dry-run")).code).toBe(0);
  });
});

describe("the folder for runs", () => {
  it("need not be there, and is not made", async () => {
    const { code, stdout } = await runCli(["sweep"], { env });
    expect(stdout).toBe(`no runs in ${base}: nothing to sweep\n`);
    expect(code).toBe(0);
    expect(existsSync(base)).toBe(false);
  });

  it("is refused where others can reach into it", async () => {
    mkdirSync(join(base, "g0123abcd"), { recursive: true, mode: 0o755 });
    const { code, stderr } = await runCli(["sweep"], { env });
    expect(stderr).toContain("is open to others");
    expect(code).toBe(1);
    expect(readdirSync(base)).toEqual(["g0123abcd"]);
  });
});
