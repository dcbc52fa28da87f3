/** What went wrong once, or nearly: each of these was seen to fail before it was mended. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runFolder } from "../../lab/census/index.ts";
import { childrenOf, until } from "../../test/support/processes.ts";
import { buildPlain, buildSanitized, compiler, has, sanitizerEnv } from "./support/build.ts";
import { KeeperProcess, type KeeperOptions, runsBelow } from "./support/keeper-process.ts";
import {
  cause,
  type Field,
  frame,
  type Reply,
  reply,
  request,
  start,
  tag,
} from "./support/wire.ts";

const canRun = process.platform === "linux" && has(compiler, "--version");
const whole = { code: 0, signal: null, stderr: "" };
const latest = 2n ** 64n - 1n;

describe.skipIf(!canRun)("a keeper", () => {
  let sanitized: string;
  let plain: string;
  let logs: string;
  let contains: boolean;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "h-"));
    logs = join(folder, "logs");
    mkdirSync(logs);
    sanitized = buildSanitized(folder);
    plain = buildPlain(folder);
    const keeper = await open().ready();
    contains = keeper.contains;
    await keeper.close();
  });

  beforeEach((context) => {
    if (!contains) context.skip();
  });

  afterEach(() => {
    const reports = readdirSync(logs).map((name) => readFileSync(join(logs, name), "utf8"));
    const runs = runsBelow(runFolder());
    // So that one failure is not every later one's too.
    for (const path of [logs, ...runs]) rmSync(path, { recursive: true, force: true });
    mkdirSync(logs);
    expect(reports, "what the sanitizers found").toEqual([]);
    expect(runs).toEqual([]);
  });

  function open(options: KeeperOptions = {}, binary = sanitized): KeeperProcess {
    const env = { ...process.env, ...sanitizerEnv(logs) };
    return new KeeperProcess(binary, runFolder(), { env, ...options });
  }

  function runPath(keeper: KeeperProcess): string {
    const path = keeper.hello?.text(tag.path);
    if (path === undefined) throw new Error("the keeper has not said where its run is");
    return path;
  }

  /** Starts a task and waits until its command runs. */
  async function begin(
    keeper: KeeperProcess,
    task: number,
    command: readonly string[],
    fields: readonly Field[] = [],
  ): Promise<{ init: number; exited: Promise<Reply>; ended: Promise<Reply> }> {
    const of = (type: number): Promise<Reply> =>
      keeper.next((found) => found.task === task && found.type === type);
    const [started, exited, ended] = [of(reply.started), of(reply.exited), of(reply.ended)];
    // Not everybody waits for each of them.
    for (const one of [exited, ended]) one.catch(() => undefined);
    await keeper.send(start(task, command, fields));
    return { init: (await started).number(tag.pid) ?? 0, exited, ended };
  }

  /** What a process has open, as /proc names it. */
  function descriptorsOf(pid: number): string[] {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).flatMap((fd) => {
      try {
        return [readlinkSync(join(folder, fd))];
      } catch {
        return []; // closed meanwhile
      }
    });
  }

  it("goes on with other tasks while a big scratch folder is removed", async () => {
    const keeper = await open().ready();
    const big = await begin(
      keeper,
      1,
      ["/bin/sh", "-c", `cd ${runPath(keeper)}/t1 && seq 30000 | xargs touch; sleep 600 &`],
      [[tag.scratch, ""]],
    );
    const others = [2, 3, 4].map((task) => begin(keeper, task, ["/bin/sleep", "600"]));
    await Promise.all(others);
    const cat = await begin(keeper, 5, ["/bin/cat"], [[tag.stdio, Uint8Array.of(1, 0, 0)]]);
    await big.exited;
    // The child that removes is held, so that all of the following happens beside it.
    // It is known by not being an init: by its name it cannot be, for an init has that a moment late.
    // Held before it has closed the other tasks' pipes, it would keep their ends from them.
    const inits = [big, cat, ...(await Promise.all(others))].map(({ init }) => init);
    let remover: number | undefined;
    await until(() => {
      remover = childrenOf(keeper.pid).find(({ pid }) => !inits.includes(pid))?.pid;
      return (
        remover !== undefined && descriptorsOf(remover).every((name) => !name.startsWith("pipe"))
      );
    });
    const held = remover ?? 0;
    process.kill(held, "SIGSTOP");
    for (const task of [2, 3, 4]) await keeper.send(frame(request.stop, task, [[tag.grace, 0]]));
    for (const { ended } of await Promise.all(others))
      expect((await ended).number(tag.cause)).toBe(cause.stopped);
    // The keeper's copy of the pipe was the last one: now there is an end of file.
    await keeper.send(frame(request.opened, 5));
    expect((await cat.ended).number(tag.status)).toBe(0);
    expect(keeper.count(reply.ended)).toBe(4);
    process.kill(held, "SIGCONT");
    expect((await big.ended).number(tag.status)).toBe(0);
    expect(await keeper.close()).toEqual(whole);
  });

  it("knows how a command ended that was sent a signal in its last moment", async () => {
    // The plain one is quicker, and hits the moment more often: one in 300.
    const keeper = await open({}, plain).ready();
    const ends = new Map<string, number>();
    let next = 1;
    const row = async (): Promise<void> => {
      while (next <= 1500) {
        const task = next++;
        const end = keeper.run(start(task, ["/bin/true"]));
        const cont = frame(request.signal, task, [[tag.number, 18]]);
        for (let again = 0; again < 400; again++) void keeper.send(cont);
        const { fields } = await end;
        const how = `${fields.get(tag.cause)?.[0]?.[0]} ${fields.get(tag.status)?.[0]?.[0]}`;
        ends.set(how, (ends.get(how) ?? 0) + 1);
      }
    };
    await Promise.all([row(), row(), row(), row()]);
    expect([...ends]).toEqual([[`${cause.none} 0`, 1500]]);
    expect(await keeper.close()).toEqual(whole);
  });

  it("starts whoever else starts, and takes no living run for a dead one", async () => {
    for (let round = 0; round < 15; round++) {
      const keepers = Array.from({ length: 8 }, () => open({}, plain));
      const swept = await Promise.all(
        keepers.map(async (keeper) => {
          const { hello } = await keeper.ready();
          expect(await keeper.close()).toEqual(whole);
          return hello?.number(20);
        }),
      );
      expect(swept).toEqual(keepers.map(() => 0));
    }
  });

  it("takes a run for alive also when its ledger has been cleaned away", async () => {
    const keeper = await open().ready();
    const { ended } = await begin(keeper, 1, ["/bin/sleep", "600"], [[tag.scratch, ""]]);
    const run = runPath(keeper);
    rmSync(join(run, "ledger"));
    const other = await open().ready();
    expect(existsSync(join(run, "t1"))).toBe(true);
    expect(await other.close()).toEqual(whole);
    await keeper.send(frame(request.stop, 1, [[tag.grace, 0]]));
    await ended;
    expect(await keeper.close()).toEqual(whole);
  });

  it("hears no more of an init that waited, died and was reaped while another was made", async () => {
    const keeper = await open().ready();
    // With other bounds the init that waits does not fit. It is killed, and dies beside a new one,
    // which has copies of all descriptors for a moment.
    for (let task = 1; task <= 200; task++)
      await keeper.run(start(task, ["/bin/true"], [[tag.memory, BigInt(task) * 2n ** 30n]]));
    expect(await keeper.close()).toEqual(whole);
  });

  it("ends a task whose init hangs after the command's end", async () => {
    const keeper = await open().ready();
    const task = await begin(keeper, 1, ["/bin/sh", "-c", "sleep 600 & exit 3"]);
    await task.exited;
    process.kill(task.init, "SIGSTOP");
    const end = await task.ended;
    expect([end.number(tag.status), end.number(tag.cause)]).toEqual([3 << 8, cause.none]);
    expect(await keeper.close()).toEqual(whole);
  });

  it("takes a deadline beyond the end of time for none", async () => {
    const keeper = await open().ready();
    const first = await keeper.run(start(1, ["/bin/sleep", "0.1"], [[tag.timeout, latest]]));
    expect(first.number(tag.status)).toBe(0);
    const second = await begin(keeper, 2, ["/bin/sleep", "0.1"]);
    await keeper.send(frame(request.deadline, 2, [[tag.timeout, latest - 1000n]]));
    expect((await second.ended).number(tag.status)).toBe(0);
    // The trap is set once the file is there.
    const ready = join(tmpdir(), "trap-is-set");
    const script = `trap 'exit 7' TERM; : >${ready}; while :; do sleep 0.05; done`;
    const third = await begin(keeper, 3, ["/bin/sh", "-c", script]);
    await until(() => existsSync(ready));
    rmSync(ready);
    await keeper.send(frame(request.stop, 3, [[tag.grace, latest]]));
    expect((await third.ended).number(tag.status)).toBe(7 << 8);
    expect(await keeper.close()).toEqual(whole);
  });

  it.skipIf(!has("env", "--ignore-signal=CHLD", "true"))(
    "reaps also where it was started with SIGCHLD ignored",
    async () => {
      const keeper = await open({ wrapper: ["env", "--ignore-signal=CHLD"] }).ready();
      expect((await keeper.run(start(1, ["/bin/true"]))).number(tag.status)).toBe(0);
      expect(await keeper.close()).toEqual(whole);
    },
  );

  it.skipIf(!has("prlimit", "--version"))(
    "refuses a task when its ledger may not grow, and lives",
    async () => {
      const keeper = await open({ wrapper: ["prlimit", "--fsize=1024"] }, plain).ready();
      const ends = [];
      // Killed, so that none gives its init on: each has its line in the ledger.
      for (let task = 1; task <= 60; task++)
        ends.push((await keeper.run(start(task, ["/bin/sh", "-c", "kill -9 $$"]))).type);
      expect(ends[0]).toBe(reply.ended);
      expect(ends.at(-1)).toBe(reply.refused);
      expect(await keeper.close()).toEqual(whole);
    },
  );

  it("sweeps no folder that is not one for runs", () => {
    const folder = mkdtempSync(join(tmpdir(), "foreign-"));
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "deadbeef"));
    const { status } = spawnSync(plain, ["--sweep", folder]);
    expect(status).toBe(125);
    expect(readdirSync(folder)).toEqual(["deadbeef"]);
  });

  it.skipIf(!has("prlimit", "--version"))(
    "sweeps a dead run however deep its folders are",
    async () => {
      const scratch = join(runFolder(), "deadbeef", "t1");
      mkdirSync(scratch, { recursive: true, mode: 0o700 });
      const home = process.cwd();
      process.chdir(scratch);
      try {
        for (let depth = 0; depth < 9500; depth++) {
          mkdirSync("d");
          process.chdir("d");
        }
      } finally {
        process.chdir(home);
      }
      // With the usual stack ten times as many would do.
      const keeper = await open({ wrapper: ["prlimit", `--stack=${2 ** 20}`] }, plain).ready();
      expect(existsSync(scratch)).toBe(false);
      expect(await keeper.close()).toEqual(whole);
    },
  );

  it.skipIf(process.getuid?.() !== 0 || !has("unshare", "-m", "true"))(
    "does not remove what is mounted into a scratch folder",
    async () => {
      const precious = mkdtempSync(join(tmpdir(), "precious-"));
      writeFileSync(join(precious, "file"), "keep me");
      // In a mount namespace of its own, so that nothing stays mounted here.
      const keeper = await open({ wrapper: ["unshare", "-m"] }).ready();
      const task = await begin(keeper, 1, ["/bin/sleep", "600"], [[tag.scratch, ""]]);
      const place = join(runPath(keeper), "t1", "place");
      mkdirSync(place);
      const inKeeper = (...command: string[]): unknown =>
        spawnSync("nsenter", ["-t", String(keeper.pid), "-m", ...command]).status;
      expect(inKeeper("mount", "--bind", precious, place)).toBe(0);
      await keeper.send(frame(request.stop, 1, [[tag.grace, 0]]));
      await task.ended;
      expect(readdirSync(precious)).toEqual(["file"]);
      expect(inKeeper("umount", place)).toBe(0);
      expect(await keeper.close()).toEqual(whole);
    },
  );

  it("is not kept waiting by a client that does not listen", async () => {
    const keeper = await open().ready();
    keeper.child.stdio[3]?.on("data", () => undefined);
    const control = keeper.child.stdio[3];
    if (!control || !("pause" in control)) throw new Error("no control socket");
    control.pause();
    // Each is refused; the answers are more than the socket holds.
    const frames = Buffer.concat(Array.from({ length: 50_000 }, () => frame(request.start, 9)));
    void keeper.send(frames);
    void keeper.send(start(1, ["/bin/true"]));
    const drained = "write" in control ? once(control, "drain") : Promise.resolve();
    await drained;
    const over = keeper.next(({ task, type }) => task === 1 && type === reply.ended);
    control.resume();
    expect((await over).number(tag.status)).toBe(0);
    expect(keeper.count(reply.refused)).toBe(50_000);
    expect(await keeper.close()).toEqual(whole);
  });
});
