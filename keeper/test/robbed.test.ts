/** Tasks that work against their own init, and what is left when it is gone. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { runFolder } from "../../lab/census/index.ts";
import { childrenOf, until } from "../../test/support/processes.ts";
import { buildPlain, buildProgram, compiler, has } from "./support/build.ts";
import { KeeperProcess, runsBelow } from "./support/keeper-process.ts";
import { cause, frame, type Reply, reply, request, start, tag } from "./support/wire.ts";

const canRun = process.platform === "linux" && has(compiler, "--version");
const whole = { code: 0, signal: null, stderr: "" };
const stopNow = [[tag.grace, 0]] as const;

let binary: string;
let folder: string;
let canTrace: boolean;

beforeAll(() => {
  if (!canRun) return;
  folder = mkdtempSync(join(tmpdir(), "r-"));
  binary = buildPlain(folder);
  buildProgram(folder, "tracer");
  const probe = `sleep 600 & s=$!; ${tracerOf("$s", "probe")} & t=$!
    while [ ! -e ${join(folder, "probe")} ] && kill -0 $t; do :; done
    kill -9 $t $s; [ -e ${join(folder, "probe")} ]`;
  canTrace = spawnSync("/bin/sh", ["-c", probe], { stdio: "ignore" }).status === 0;
});

afterEach(() => {
  const runs = runsBelow(runFolder());
  for (const run of runs) rmSync(run, { recursive: true, force: true });
  expect(runs).toEqual([]);
});

function tracerOf(pid: string | number, ready: string): string {
  return `${join(folder, "tracer")} ${pid} ${join(folder, ready)}`;
}

interface Task {
  readonly init: number;
  readonly ended: Promise<Reply>;
}

async function begin(keeper: KeeperProcess, task: number, script: string): Promise<Task> {
  const of = (type: number): Promise<Reply> =>
    keeper.next((found) => found.task === task && found.type === type);
  const [started, ended] = [of(reply.started), of(reply.ended)];
  ended.catch(() => undefined);
  await keeper.send(start(task, ["/bin/sh", "-c", script]));
  return { init: (await started).number(tag.pid) ?? 0, ended };
}

function open(tree: string, onReply?: (reply: Reply) => void): Promise<KeeperProcess> {
  const env = { ...process.env, COFFERDAM_CONTAINMENT: tree };
  const options = onReply ? { env, onReply } : { env };
  return new KeeperProcess(binary, runFolder(), options).ready();
}

describe.skipIf(!canRun)("a keeper without namespaces", () => {
  it("ends a task that traces its own init", async (context) => {
    if (!canTrace) context.skip();
    const keeper = await open("subreaper");
    const task = await begin(keeper, 1, `setsid sleep 600 & ${tracerOf("$PPID", "init")}`);
    await until(() => existsSync(join(folder, "init")));
    await keeper.send(frame(request.stop, 1, stopNow));
    expect((await task.ended).number(tag.cause)).toBe(cause.stopped);
    expect(keeper.count(reply.stuck)).toBe(0);
    expect(await keeper.close()).toEqual(whole);
  });

  it("goes on with other tasks while what a killed init left does not die, and tells it", async (context) => {
    if (!canTrace) context.skip();
    const said: string[] = [];
    const keeper = await open("subreaper", ({ type, task }) => said.push(`${type} ${task}`));
    const task = await begin(keeper, 1, "sleep 600 & sleep 600 & wait");
    let held = 0;
    await until(() => {
      const shell = childrenOf(task.init)[0]?.pid ?? 0;
      held = childrenOf(shell).find(({ name }) => name === "sleep")?.pid ?? 0;
      return held !== 0;
    });
    // As a process in the kernel's hands: killed, and yet not to be reaped.
    const [program = "", ...args] = tracerOf(held, "orphan").split(" ");
    const tracer = spawn(program, args);
    await until(() => existsSync(join(folder, "orphan")));
    process.kill(task.init, "SIGKILL");
    await until(() => !childrenOf(keeper.pid).some(({ pid }) => pid === task.init));
    const other = await keeper.run(start(2, ["/bin/true"]));
    expect(other.number(tag.status)).toBe(0);
    expect(said).not.toContain(`${reply.ended} 1`);
    if (!said.includes(`${reply.stuck} 1`)) await keeper.next(({ type }) => type === reply.stuck);
    expect(said.indexOf(`${reply.ended} 2`)).toBeLessThan(said.indexOf(`${reply.stuck} 1`));
    tracer.kill("SIGKILL");
    expect((await task.ended).number(tag.cause)).toBe(cause.initLost);
    expect(await keeper.close()).toEqual(whole);
  });

  it("says with its exit code that something is left when all must end", async (context) => {
    if (!canTrace) context.skip();
    const keeper = await open("subreaper");
    const task = await begin(keeper, 1, "exec sleep 600");
    let held = 0;
    await until(() => {
      held = childrenOf(task.init).find(({ name }) => name === "sleep")?.pid ?? 0;
      return held !== 0;
    });
    const [program = "", ...args] = tracerOf(held, "last").split(" ");
    const tracer = spawn(program, args);
    await until(() => existsSync(join(folder, "last")));
    process.kill(task.init, "SIGKILL");
    expect(await keeper.close()).toMatchObject({ code: 1, signal: null });
    tracer.kill("SIGKILL");
    await once(tracer, "close");
    for (const run of runsBelow(runFolder())) rmSync(run, { recursive: true });
  });
});

for (const tree of ["subreaper", "namespace"])
  describe.skipIf(!canRun || !has("prlimit", "--version"))(`under ${tree}, an init`, () => {
    for (const limit of ["--nofile=0", "--nofile=1", "--as=1", "--fsize=0", "--sigpending=0"])
      it(`obeys although its task has set its ${limit}`, async (context) => {
        const keeper = await open(tree);
        const given = keeper.hello?.text(tag.tree);
        if (given !== tree) {
          await keeper.close();
          context.skip();
        }
        const done = join(folder, `limited-${tree}`);
        const task = await begin(
          keeper,
          1,
          `setsid sleep 600 & prlimit --pid $PPID ${limit} && : >${done}; sleep 600`,
        );
        await until(() => existsSync(done));
        rmSync(done);
        await keeper.send(frame(request.stop, 1, stopNow));
        const end = await task.ended;
        expect(end.number(tag.cause)).toBe(cause.stopped);
        // Only an init that ended its tree itself, and was not ended with it, can tell this.
        expect(end.number(tag.killed)).toBeDefined();
        expect(await keeper.close()).toEqual(whole);
      });
  });

describe.skipIf(!canRun)("a start", () => {
  it("is not held up by what dead runs have left and does not die", async () => {
    const sleepers: ChildProcess[] = [];
    for (let run = 0; run < 4; run++) {
      const path = join(runFolder(), `0000000${run}`);
      mkdirSync(path, { recursive: true, mode: 0o700 });
      // An init without namespaces ends its tree itself, and is waited for.
      const sleeper = spawn("/bin/sleep", ["15"], { stdio: "ignore" });
      sleepers.push(sleeper);
      const stat = readFileSync(`/proc/${sleeper.pid}/stat`, "latin1");
      const startTime = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
      writeFileSync(join(path, "ledger"), ledgerOf(sleeper.pid ?? 0, startTime ?? ""));
    }
    const keeper = await open("subreaper");
    const alive = sleepers.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    expect(alive).toHaveLength(sleepers.length);
    expect(keeper.hello?.number(tag.processes)).toBeGreaterThan(0);
    // Nothing was taken away that still names somebody.
    expect(runsBelow(runFolder())).toHaveLength(sleepers.length + 1);
    const closed = sleepers.map((sleeper) => once(sleeper, "close"));
    for (const sleeper of sleepers) sleeper.kill("SIGKILL");
    await Promise.all(closed);
    expect(await keeper.close()).toEqual(whole);
    const next = await open("subreaper");
    expect(next.hello?.number(tag.processes)).toBe(0);
    expect(await next.close()).toEqual(whole);
  });
});

function ledgerOf(pid: number, startTime: string): string {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const namespace = spawnSync("stat", ["-L", "-c", "%i", "/proc/self/ns/pid"], {
    encoding: "utf8",
  });
  return [
    `cofferdam-ledger 1 keeper 1 ns ${namespace.stdout.trim()} boot ${boot}`,
    "tree subreaper",
    `start 1 ${pid} ${startTime}`,
    "",
  ].join("\n");
}

/** How often a process has gone to sleep so far. */
function sleepsOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)?.[1]);
}

describe.skipIf(!canRun)("samples", () => {
  it("become rare where nothing happens and nothing is bounded", async () => {
    const keeper = await open("subreaper");
    const idle = await begin(keeper, 1, "exec sleep 600");
    const bounded = keeper.next(({ type, task }) => type === reply.started && task === 2);
    await keeper.send(start(2, ["/bin/sleep", "600"], [[tag.memory, 2 ** 40]]));
    const watched = (await bounded).number(tag.pid) ?? 0;
    await until(() => sleepsOf(watched) > 60);
    expect(sleepsOf(idle.init)).toBeLessThan(30);
    // Nor is the same figure told again and again.
    expect(keeper.count(reply.sample)).toBeLessThan(20);
    for (const task of [1, 2]) await keeper.send(frame(request.stop, task, stopNow));
    while (keeper.count(reply.ended) < 2) await keeper.next(({ type }) => type === reply.ended);
    expect(await keeper.close()).toEqual(whole);
  });
});
