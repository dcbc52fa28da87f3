/** Tasks of one scope that share memory (`ipc: "scope"`): who sees it, and when it is gone. */
import { spawnSync } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openScope, type RunningCommand, type Scope } from "cofferdam";
import { namespaced } from "../../../../test/support/containment.ts";
import { keeperOf } from "../../../../test/support/processes.ts";
import { runCli } from "../../../../test/support/program.ts";

const hasPython = spawnSync("python3", ["--version"]).status === 0;
const noPython = hasPython ? "" : " (skipped, because there is no python3)";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shared-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** What a shell script of a task that shares with its scope prints. */
async function inScope(scope: Scope, script: string): Promise<string> {
  return (await scope.exec(["sh", "-c", script], { ipc: "scope" })).stdout.trim();
}

/** Makes a file in /dev/shm, a queue and a semaphore, and stays. Resolves once they are there. */
async function startMaker(
  scope: Scope,
): Promise<{ command: RunningCommand; ended: Promise<unknown> }> {
  const started = Promise.withResolvers<RunningCommand>();
  const make =
    "ipcmk -Q; ipcmk -S 1; echo kept > /dev/shm/new; mv /dev/shm/new /dev/shm/kept; exec sleep 600";
  const ended = scope.exec(["sh", "-c", make], {
    ipc: "scope",
    reject: false,
    onStart: started.resolve,
  });
  const command = await started.promise;
  await inScope(scope, "until [ -e /dev/shm/kept ]; do sleep 0.01; done");
  return { command, ended };
}

/** Processes that are in an IPC namespace, as its link names it. */
function processesIn(namespace: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/ns/ipc`) === namespace;
    } catch {
      return false; // it is gone, or not ours to look at
    }
  });
}

const ownNamespace = "readlink /proc/self/ns/ipc";

describe.skipIf(namespaced.skip)(namespaced.name("tasks that share with their scope"), () => {
  it.skipIf(!hasPython)(
    `pass a block of memory between two Python workers by its name${noPython}`,
    async () => {
      const worker = join(folder, "worker.py");
      writeFileSync(
        worker,
        `
import hashlib, os, time
from multiprocessing.shared_memory import SharedMemory
from cofferdam_worker import current_task

def give(name, size):
    block = SharedMemory(name=name, create=True, size=size)
    block.buf[:] = os.urandom(size - 1) + b"\\0"
    told = hashlib.sha256(block.buf[:-1]).hexdigest()
    current_task().send(told)
    while block.buf[-1] == 0:
        time.sleep(0.005)
    block.close()
    block.unlink()
    return os.stat("/proc/self/ns/pid").st_ino

def take(name, size):
    block = SharedMemory(name=name)
    seen = hashlib.sha256(block.buf[:size - 1]).hexdigest()
    block.buf[size - 1] = 1
    block.close()
    return [seen, os.stat("/proc/self/ns/pid").st_ino]
`,
      );
      await using scope = await openScope();
      await using pool = scope.pool<{
        give(name: string, size: number): number;
        take(name: string, size: number): [string, number];
      }>({ python: worker }, { workers: 2, ipc: "scope" });
      const size = 10 * 1024 * 1024;
      const told = Promise.withResolvers<unknown>();
      const giving = pool.runWith({ onMessage: told.resolve }, "give", "passed", size);
      const digest = await told.promise;
      const [seen, taker] = await pool.run("take", "passed", size);
      expect(seen).toBe(digest);
      expect(taker).not.toBe(await giving);
    },
  );

  it("are seen by no other scope, by no task that does not share, and not by the host", async () => {
    await using scope = await openScope();
    await using other = await openScope();
    const { command, ended } = await startMaker(scope);
    expect(await inScope(scope, "ls /dev/shm")).toBe("kept");
    expect(await inScope(other, "ls /dev/shm; ipcs -q -s | grep -c 0x || true")).toBe("0");
    const alone = await scope.exec(["ls", "/dev/shm"]);
    expect(alone.stdout).toBe("");
    expect(readdirSync("/dev/shm")).not.toContain("kept");
    expect(alone.containment.ipc).toBe("task");
    command.stop(0);
    await ended;
  });

  it("never have the host's /dev/shm, however soon after its scope opened one starts", async () => {
    const host = String(statSync("/dev/shm").dev);
    for (let round = 0; round < 20; round++) {
      const scopes = Array.from({ length: 8 }, async () => {
        await using scope = await openScope();
        return await inScope(scope, "stat -c %d /dev/shm");
      });
      expect(await Promise.all(scopes)).not.toContain(host);
    }
  });

  it("leave to the others what one that is killed has made, until the scope closes", async () => {
    await using scope = await openScope();
    const { command, ended } = await startMaker(scope);
    const namespace = await inScope(scope, ownNamespace);
    process.kill(command.pid, "SIGKILL");
    expect(await ended).toMatchObject({ code: "SIGNAL", leaks: [] });
    expect(await inScope(scope, "cat /dev/shm/kept; ipcs -q -s | grep -c 0x")).toBe("kept\n2");
    expect(scope.report().leaks).toEqual([]);
    expect(processesIn(namespace)).toHaveLength(1);
    const report = await scope.close();
    expect(processesIn(namespace)).toEqual([]);
    expect(report.containment.ipc).toBe("scope");
    expect(report.processes).toMatchObject({ left: 0, verified: true });
    expect(report.leaks.map(({ kind, name, action }) => ({ kind, name, action }))).toEqual([
      { kind: "shared-memory", name: "kept", action: "removed" },
      { kind: "sysv", name: expect.stringMatching(/^sem \d+ /) as string, action: "removed" },
      { kind: "sysv", name: expect.stringMatching(/^msg \d+ /) as string, action: "removed" },
    ]);
  });

  it("lose all that they had shared with their keeper", async () => {
    await using scope = await openScope();
    const { ended } = await startMaker(scope);
    const namespace = await inScope(scope, ownNamespace);
    process.kill(keeperOf(process.pid), "SIGKILL");
    expect(await ended).toMatchObject({ code: "KEEPER_LOST" });
    expect(processesIn(namespace)).toEqual([]);
    expect(await inScope(scope, "ls /dev/shm; ipcs -q -s | grep -c 0x || true")).toBe("0");
  });

  it("are the jobs of a map", async () => {
    const script = "ls /dev/shm; touch /dev/shm/$1";
    const words = ["--", "sh", "-c", script, "sh", "{}", ":::", "a", "b", "c"];
    const shared = await runCli(["map", "-w", "1", "--ipc", "scope", ...words]);
    expect(shared.stdout).toBe("a\na\nb\n");
    const apart = await runCli(["map", "-w", "1", ...words]);
    expect(apart.stdout).toBe("");
  });

  it("are the items of a run whose stages say so", async () => {
    for (const name of ["a", "b"]) writeFileSync(join(folder, `${name}.in`), "");
    const run = 'run: ["sh", "-c", "touch /dev/shm/{in.stem}; ls /dev/shm > {out}"]';
    const stage = (out: string, ipc: string): string =>
      `{ each: "*.in", ${run}, out: "{in.stem}.${out}", workers: 1, ipc: ${ipc} }`;
    writeFileSync(
      join(folder, "cofferdam.yaml"),
      `stages:\n  shared: ${stage("shared", "scope")}\n  apart: ${stage("apart", "task")}\n`,
    );
    const { code, stderr } = await runCli(["run"], { cwd: folder });
    expect(code, stderr).toBe(0);
    const seen = ["a.shared", "b.shared", "a.apart", "b.apart"].map((name) =>
      readFileSync(join(folder, name), "utf8").trim().split("\n"),
    );
    expect(
      seen
        .slice(0, 2)
        .map(({ length }) => length)
        .sort(),
    ).toEqual([1, 2]);
    expect(seen.slice(2)).toEqual([["a"], ["b"]]);
  });
});

describe("sharing with the scope without a namespace", () => {
  const forced = process.env["COFFERDAM_CONTAINMENT"];

  afterEach(() => {
    if (forced === undefined) delete process.env["COFFERDAM_CONTAINMENT"];
    else process.env["COFFERDAM_CONTAINMENT"] = forced;
  });

  it.each(["subreaper", "group"])("is refused (%s)", async (way) => {
    process.env["COFFERDAM_CONTAINMENT"] = way;
    await using scope = await openScope();
    const refused = scope.exec(["true"], { ipc: "scope" });
    await expect(refused).rejects.toMatchObject({ code: "CONTAINMENT_UNAVAILABLE" });
    const pool = () => scope.pool({ program: ["true"] }, { ipc: "scope" });
    expect(pool).toThrow(expect.objectContaining({ code: "CONTAINMENT_UNAVAILABLE" }));
    const { containment } = await scope.exec(["true"], { ipc: "host" });
    expect(containment.ipc).toBe("host");
  });
});
