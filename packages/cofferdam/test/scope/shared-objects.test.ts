/** Objects of a task outside an IPC namespace: its own go, a bystander's stay. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openScope, type RunningCommand } from "cofferdam";
import { listSysv } from "../../../../lab/census/objects.ts";
import { until } from "../../../../test/support/processes.ts";

const python = spawnSync("python3", ["--version"]).status === 0;
const skipped = python ? "" : " (skipped, because there is no python3)";

/**
 * Holds three locks, a block of shared memory and three System V objects, and says their names. On
 * USR1 it grows, so that it can be seen when it was looked at.
 */
const holder = `
import ctypes, multiprocessing, os, signal, sys
from multiprocessing.shared_memory import SharedMemory
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grown = []
signal.signal(signal.SIGUSR1, lambda *_: grown.append(b"x" * ${64 * 1024 * 1024}))
context = multiprocessing.get_context("spawn")
locks = [context.Lock() for _ in range(3)]
memory = SharedMemory(create=True, size=4096)
libc = ctypes.CDLL(None)
sem, shm, msg = libc.semget(0, 1, 0o1600), libc.shmget(0, 4096, 0o1600), libc.msgget(0, 0o1600)
libc.semctl(sem, 0, 16, 1)
libc.msgsnd(msg, (ctypes.c_long * 2)(1, 1), 8, 0)
names = ["/dev/shm/sem." + lock._semlock.name.lstrip("/") for lock in locks]
with open(sys.argv[1] + ".new", "w") as file:
    print(*names, "/dev/shm/" + memory.name, f"sem {sem}", f"shm {shm}", f"msg {msg}", sep="\\n", file=file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
print("READY", flush=True)
while True:
    signal.pause()
`;

let folder: string;
const forced = process.env["COFFERDAM_CONTAINMENT"];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "objects-"));
  process.env["COFFERDAM_CONTAINMENT"] = "subreaper";
});

afterAll(() => {
  if (forced === undefined) delete process.env["COFFERDAM_CONTAINMENT"];
  else process.env["COFFERDAM_CONTAINMENT"] = forced;
  rmSync(folder, { recursive: true });
});

/** Those of a list of names that are on the machine now. */
function present(list: string): string[] {
  const sysv = listSysv().map(({ kind, id }) => `${kind} ${id}`);
  return readFileSync(list, "utf8")
    .trim()
    .split("\n")
    .filter((name) => (name.startsWith("/") ? existsSync(name) : sysv.includes(name)));
}

/** A program of somebody else with objects of its own, made while the task runs. */
async function startBystander(list: string): Promise<AsyncDisposable> {
  const child = spawn("python3", ["-c", holder, list], { stdio: ["ignore", "pipe", "ignore"] });
  const exited = once(child, "exit");
  await once(createInterface({ input: child.stdout }), "line");
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      // Its own tracker removes what it has made in /dev/shm.
      await until(() => present(list).every((name) => !name.startsWith("/")));
      const flags: Record<string, string> = { sem: "-s", shm: "-m", msg: "-q" };
      for (const name of present(list)) {
        const [kind = "", id = ""] = name.split(" ");
        spawnSync("ipcrm", [flags[kind] ?? "", id]);
      }
    },
  };
}

/** What an init has started, by process groups. */
function killBelow(init: number): void {
  const children = readFileSync(`/proc/${init}/task/${init}/children`, "utf8");
  for (const pid of children.trim().split(" ")) process.kill(-Number(pid), "SIGKILL");
}

describe.skipIf(!python)(`objects of a task under subreaper${skipped}`, () => {
  it.each([
    ["being stopped, with TERM ignored", ({ stop }) => stop(100)],
    ["being stopped without grace", ({ stop }) => stop(0)],
    ["SIGKILL of the whole tree from outside", ({ pid }) => killBelow(pid)],
  ] as [string, (command: RunningCommand) => void][])("go after %s", async (_how, end) => {
    const own = join(folder, "own");
    const others = join(folder, "others");
    rmSync(own, { force: true });
    rmSync(others, { force: true });
    await using scope = await openScope();
    const started = Promise.withResolvers<RunningCommand>();
    const running = scope.exec(["python3", "-c", holder, own], {
      reject: false,
      onStart: started.resolve,
    });
    const command = await started.promise;
    await until(() => existsSync(own));
    await using stack = new AsyncDisposableStack();
    stack.use(await startBystander(others));
    const before = scope.report().peakMemoryBytes.value;
    command.signal("SIGUSR1");
    await until(() => scope.report().peakMemoryBytes.value > before + 32 * 1024 * 1024);
    end(command);
    const result = await running;
    expect(present(own)).toEqual([]);
    expect(present(others)).toHaveLength(7);
    const removed = result.leaks.filter(({ kind }) => kind !== "process");
    expect(removed.every(({ action }) => action === "removed")).toBe(true);
    expect(removed.filter(({ kind }) => kind === "sysv")).toHaveLength(3);
    // What the bystander made meanwhile is told, and nothing is claimed of it.
    expect(result.unattributed.every(({ action }) => action === "left")).toBe(true);
    expect(result.unattributed.length).toBeGreaterThanOrEqual(3);
  });
});
