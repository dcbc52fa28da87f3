/** Cgroups of our own: born in them, killed by them, and none of them left, whoever dies. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync } from "node:fs";
import { rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openScope } from "cofferdam";
import { openCensus, runFolder } from "../../../../lab/census/index.ts";
import { listCgroups } from "../../../../lab/census/objects.ts";
import { listMounts } from "../../../../lab/census/mounts.ts";
import { cli, Program, runCli } from "../../../../test/support/program.ts";
import { keeperOf } from "../../../../test/support/processes.ts";

const deadlineMs = 60_000;
const forced = process.env["COFFERDAM_CONTAINMENT"];

/** What can be had outside namespaces, which is where every task has a cgroup. */
async function findSubreaper(): Promise<string> {
  process.env["COFFERDAM_CONTAINMENT"] = "subreaper";
  const scope = await openScope();
  await scope.close();
  if (scope.containment.tree !== "subreaper") return "there is no keeper";
  return scope.containment.cgroup === "task" ? "" : "no cgroup v2 can be written here";
}

const missing = await findSubreaper();
const skipped = missing === "" ? "" : ` (skipped, because ${missing})`;

// Runs of other tests have their folders elsewhere: a start sweeps what it finds beside its own.
const tmp = mkdtempSync(join(tmpdir(), "cgroups-"));

function cgroupsOf(run: string): string[] {
  return listCgroups(listMounts())
    .map(({ path }) => path)
    .filter((path) => path.includes(`/cofferdam-${run}.`));
}

/** A command that has said its cgroup and holds a daemon in another session, and its run. */
async function start(): Promise<{ program: Program; run: string; cgroup: string }> {
  const script =
    "setsid sleep 600 & grep 0:: /proc/self/cgroup; echo run $TMPDIR; trap '' TERM; wait";
  const program = new Program([cli, "exec", "--", "sh", "-c", script], {
    env: { TMPDIR: tmp, COFFERDAM_CONTAINMENT: "subreaper" },
  });
  const [, scratch = ""] = await program.said(/^run (.+)$/m);
  const [, cgroup = ""] = await program.said(/^0::(.+)$/m);
  return { program, run: basename(dirname(scratch)), cgroup };
}

describe.skipIf(missing !== "")(`a cgroup for each task${skipped}`, () => {
  beforeAll(() => void (process.env["COFFERDAM_CONTAINMENT"] = "subreaper"));
  afterAll(() => {
    if (forced === undefined) delete process.env["COFFERDAM_CONTAINMENT"];
    else process.env["COFFERDAM_CONTAINMENT"] = forced;
    rmSync(tmp, { recursive: true });
  });

  it("holds the command and all that it starts, and goes with it", async () => {
    await using scope = await openScope();
    const script = "setsid sh -c 'cat /proc/self/cgroup'; echo $TMPDIR";
    const { stdout } = await scope.exec(["sh", "-c", script]);
    const run = basename(dirname(stdout.trim().split("\n").at(-1) ?? ""));
    expect(stdout).toMatch(new RegExp(`^0::.*/cofferdam-${run}\\.\\d+\\.\\d+/t1$`, "m"));
    expect(cgroupsOf(run)).toEqual([expect.stringMatching(/\/cofferdam-[^/]+$/)]);
    await scope.close();
    expect(cgroupsOf(run)).toEqual([]);
  });

  it("may hold cgroups that the task has made below its own", async (context) => {
    if (process.getuid?.() !== 0) context.skip();
    await using scope = await openScope();
    const script = `
      for at in $(awk '$3 == "cgroup2" { print $2 }' /proc/mounts | head -1); do
        own="$at$(sed -n 's/^0:://p' /proc/self/cgroup)"
        mkdir -p "$own/a/b"; echo $$ > "$own/a/b/cgroup.procs"; setsid sleep 600 & 
        cat /proc/self/cgroup; echo $TMPDIR
      done`;
    const { stdout, processes } = await scope.exec(["sh", "-c", script]);
    expect(stdout).toContain("/t1/a/b\n");
    expect(processes).toMatchObject({ killed: 1, left: 0 });
    const run = basename(dirname(stdout.trim().split("\n").at(-1) ?? ""));
    expect(cgroupsOf(run)).toHaveLength(1);
  });

  it("is not made where it is turned off", async () => {
    const { stdout } = await runCli(["exec", "--", "cat", "/proc/self/cgroup"], {
      env: { TMPDIR: tmp, COFFERDAM_CONTAINMENT: "subreaper", COFFERDAM_CGROUP: "off" },
    });
    expect(stdout).not.toContain("cofferdam-");
    const refused = await runCli(["exec", "--containment", "cgroup", "true"], {
      env: { TMPDIR: tmp, COFFERDAM_CONTAINMENT: "subreaper", COFFERDAM_CGROUP: "off" },
    });
    expect(refused).toMatchObject({ code: 125 });
    expect(refused.stderr).toContain("`cgroup` is required and cannot be had here");
  });

  it("is taken in a namespace only where it is asked for", async () => {
    const inside = async (...flags: string[]): Promise<string> =>
      (
        await runCli(["exec", ...flags, "--", "cat", "/proc/self/cgroup"], {
          env: { TMPDIR: tmp, COFFERDAM_CONTAINMENT: "" },
        })
      ).stdout;
    expect(await inside("--containment", "cgroup")).toMatch(/^0::.*\/cofferdam-.*\/t1$/m);
    // A bound that only looking can hold is no reason.
    if (missing === "" && (await openAndClose()).pids !== "hard")
      expect(await inside("--memory", "1GB")).not.toContain("cofferdam-");
  });

  it("is removed by the next sweep when keeper and Node were killed; another's is not", async () => {
    const census = openCensus({ scratch: [tmp, runFolder(tmp)] });
    const { program, run } = await start();
    const [subtree = ""] = cgroupsOf(run);
    // Named as the run's own might be, and in no ledger.
    const bystander = join(dirname(subtree), `cofferdam-${run}.bystander`);
    mkdirSync(bystander);
    try {
      const keeper = keeperOf(program.pid);
      process.kill(program.pid, "SIGSTOP"); // so that it cannot start another keeper
      process.kill(keeper, "SIGKILL");
      process.kill(program.pid, "SIGKILL");
      await program.finished;
      expect(cgroupsOf(run)).toContain(subtree);
      const env = { TMPDIR: tmp, COFFERDAM_CONTAINMENT: "subreaper" };
      expect((await runCli(["sweep", "--dry-run"], { env })).code).toBe(0);
      expect(existsSync(subtree)).toBe(true);
      expect((await runCli(["sweep"], { env })).code).toBe(0);
      expect(cgroupsOf(run)).toEqual([bystander]);
    } finally {
      rmdirSync(bystander);
    }
    const found = await census.waitUntilEmpty(deadlineMs, { what: "processes" });
    expect(found.left.processes).toEqual([]);
  });

  it.each([
    ["start", () => openAndClose()],
    ["sweep", () => runCli(["sweep"], { env: { TMPDIR: tmp } })],
  ])("of a doctor that was killed while trying goes at the next %s", async (_when, act) => {
    const { program, run } = await start();
    const [subtree = ""] = cgroupsOf(run);
    const place = dirname(subtree);
    program.child.kill("SIGTERM");
    program.child.kill("SIGINT");
    program.child.kill("SIGINT");
    await program.finished;
    const [namespace = ""] = /\d+/.exec(readlinkSync("/proc/self/ns/pid")) ?? [];
    const make = (owner: number, inNamespace: string, ...below: string[]): string => {
      const path = join(place, `cofferdam-probe.${inNamespace}.${owner}`);
      mkdirSync(join(path, ...below), { recursive: true });
      return path;
    };
    const dead = (): number => spawnSync("true").pid;
    const empty = make(dead(), namespace, "t0");
    const sleeper = spawn("sleep", ["600"], { stdio: "ignore" });
    const gone = once(sleeper, "exit");
    const others = [
      make(process.pid, namespace),
      make(dead(), String(Number(namespace) + 1)),
      make(dead(), namespace, "t0"),
    ];
    const inhabited = join(others.at(-1) ?? "", "t0");
    writeFileSync(join(inhabited, "cgroup.procs"), String(sleeper.pid));
    try {
      await act();
      expect(existsSync(empty)).toBe(false);
      expect(others.map((path) => existsSync(path))).toEqual([true, true, true]);
      expect(readFileSync(join(inhabited, "cgroup.procs"), "utf8")).toBe(`${sleeper.pid}\n`);
    } finally {
      sleeper.kill();
      await gone;
      rmdirSync(inhabited);
      for (const path of others) rmdirSync(path);
    }
  });

  it("ends what its init left, when that is killed", async () => {
    await using scope = await openScope();
    const { promise: started, resolve } = Promise.withResolvers<number>();
    const script = "for i in 1 2 3 4 5 6 7 8; do setsid env -i sleep 600 & done; wait";
    const killed = scope.exec(["sh", "-c", script], {
      onStart: ({ pid }) => resolve(pid),
      reject: false,
    });
    process.kill(await started, "SIGKILL");
    expect(await killed).toMatchObject({ outcome: "lost", processes: { left: 0 } });
  });

  it("keeps what a task prints of itself, and its exit code", async () => {
    await using scope = await openScope();
    expect(await scope.exec(["sh", "-c", "echo out; exit 3"], { reject: false })).toMatchObject({
      stdout: "out\n",
      exitCode: 3,
    });
    expect(readFileSync("/proc/self/cgroup", "utf8")).not.toContain("cofferdam-");
  });
});

async function openAndClose(): Promise<{ pids: string }> {
  const scope = await openScope();
  await scope.close();
  return scope.containment;
}
