import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type Census, openCensus, openDescriptors, readProcessStat } from "./index.ts";

// What a test leaves is ended by the test itself, by pid and start time.
const started: { pid: number; starttime: number }[] = [];

afterEach(() => {
  for (const { pid, starttime } of started.splice(0)) kill(pid, starttime);
});

function kill(pid: number, starttime: number): void {
  if (readProcessStat(pid)?.starttime === starttime) process.kill(pid, "SIGKILL");
}

/** A generous deadline: it only says when a hang is called one. */
const DEADLINE_MS = 20_000;

function run(census: Census, script: string, env: Record<string, string> = {}): ChildProcess {
  return spawn("/bin/sh", ["-c", script], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...env, ...census.env },
  });
}

/** Looks again and again until as many processes of the run are seen as are expected. */
async function seen(census: Census, count: number, comm: string) {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const left = census.observe().filter((entry) => entry.process.comm === comm);
    if (left.length >= count || performance.now() > deadline) {
      started.push(...left.map(({ process: { pid, starttime } }) => ({ pid, starttime })));
      return left;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function expectVanishing(census: Census): Promise<void> {
  for (const { process: entry } of census.compare().left.processes) {
    kill(entry.pid, entry.starttime);
  }
  const report = await census.waitUntilEmpty(DEADLINE_MS);
  expect(report.left.processes).toEqual([]);
  expect(report.emptyAfterMs).not.toBeNull();
}

describe("processes", () => {
  it("counts nothing after a command that leaves nothing", async () => {
    const census = openCensus();
    await once(run(census, "true"), "exit");
    const report = await census.waitUntilEmpty(DEADLINE_MS);
    expect(report.left).toEqual({
      processes: [],
      sharedMemory: [],
      sysv: [],
      messageQueues: [],
      cgroups: [],
      mounts: [],
      scratch: [],
    });
    expect(report.count).toBe(0);
  });

  it("finds a daemon in a session of its own by the cookie", async () => {
    const census = openCensus();
    await once(run(census, "setsid sleep 600 >/dev/null 2>&1 &"), "exit");
    const [daemon] = await seen(census, 1, "sleep");
    expect(daemon?.reason).toBe("cookie");
    expect((await census.waitUntilEmpty(0)).emptyAfterMs).toBeNull();
    await expectVanishing(census);
  });

  it("finds an orphan with an empty environment in a new PID namespace", async ({ skip }) => {
    if (spawnSync("unshare", ["--pid", "--fork", "true"]).status !== 0) {
      skip("this system lets us make no PID namespace");
    }
    const census = openCensus();
    const script = "( setsid env -i PATH=$PATH unshare --pid --fork sleep 600 >/dev/null 2>&1 & )";
    // Without the cookie, and unwatched: only the namespace tells.
    await once(spawn("/bin/sh", ["-c", script], { stdio: "ignore" }), "exit");
    const [orphan] = await seen(census, 1, "sleep");
    expect(orphan?.reason).toBe("namespace");
    expect(orphan?.process.innerPid).toBe(1);
    // The one above it, outside of the namespace, counts too.
    const above = await seen(census, 1, "unshare");
    expect(above.map((entry) => entry.reason)).toEqual(["namespace"]);
    await expectVanishing(census);
  });

  it("does not take the namespace of another run for its own", async ({ skip }) => {
    if (spawnSync("unshare", ["--pid", "--fork", "true"]).status !== 0) {
      skip("this system lets us make no PID namespace");
    }
    const census = openCensus();
    const other = openCensus();
    await once(run(other, "( unshare --pid --fork sleep 600 >/dev/null 2>&1 & )"), "exit");
    await seen(other, 1, "sleep");
    const { left, unattributed } = census.compare();
    expect(left.processes).toEqual([]);
    expect(unattributed.processes.map((entry) => entry.comm)).toContain("sleep");
    await expectVanishing(other);
  });

  it("knows a watched process again after it lost its parent and its environment", async () => {
    const census = openCensus();
    const child = spawn("/bin/sh", ["-c", "env -i sleep 600 & read -r _"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    const watch = census.watch(child.pid ?? 0);
    await seen(census, 1, "sleep");
    child.stdin.end("go\n");
    await once(child, "exit");
    watch.stop();
    const left = census.compare().left.processes;
    expect(left.map(({ process: { comm }, reason }) => [comm, reason])).toEqual([
      ["sleep", "descent"],
    ]);
    await expectVanishing(census);
  });

  it("counts the new descendants of the process it runs in, when that is a root", async () => {
    const census = openCensus({ roots: [{ pid: process.pid }] });
    const child = spawn("sh", ["-c", "env -i sleep 600; :"], { stdio: "ignore" });
    const [sleep] = await seen(census, 1, "sleep");
    expect(sleep?.reason).toBe("descent");
    expect(census.compare().left.processes.map((entry) => entry.process.pid)).toContain(child.pid);
    await expectVanishing(census);
  });

  it("counts an orphan under a marked path, and lists it apart without the mark", async () => {
    const folder = mkdtempSync(join(tmpdir(), "census-"));
    try {
      const marked = openCensus({ markers: [folder] });
      const unmarked = openCensus({ before: marked.before });
      const script = `( setsid env -i sh -c 'sleep 600; :' ${folder}/x >/dev/null 2>&1 & )`;
      const child = spawn("/bin/sh", ["-c", script], { stdio: "ignore" });
      await once(child, "exit");
      const [shell] = await seen(marked, 1, "sh");
      expect(shell?.reason).toBe("marker");
      await seen(marked, 1, "sleep");
      expect(unmarked.compare().left.processes).toEqual([]);
      expect(unmarked.compare().unattributed.processes.map((entry) => entry.comm)).toContain(
        "sleep",
      );
      await expectVanishing(marked);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("labels a zombie", async () => {
    const census = openCensus();
    // The shell makes a child and becomes a program that never waits for it.
    const child = run(census, "sh -c 'exit 0' & exec sleep 600");
    const watch = census.watch(child.pid ?? 0);
    await seen(census, 1, "sleep");
    const deadline = performance.now() + DEADLINE_MS;
    let found = census.compare();
    while (found.zombies === 0 && performance.now() < deadline) found = census.compare();
    expect(found.zombies).toBe(1);
    watch.stop();
    await expectVanishing(census);
  });

  it("does not take a pid that came back for the process it belonged to", () => {
    const { before } = openCensus();
    const self = before.processes.find((entry) => entry.pid === process.ppid);
    expect(self).toBeDefined();
    const altered = before.processes.map((entry) =>
      entry === self ? { ...entry, starttime: entry.starttime - 1 } : entry,
    );
    const census = openCensus({ before: { ...before, processes: altered } });
    // Our parent is never counted; but it is no longer the process of the snapshot.
    expect(census.compare().left.processes).toEqual([]);
    const elsewhere = before.processes.find((entry) => !entry.kernelThread && entry.pid === 1);
    const missing = before.processes.filter((entry) => entry !== elsewhere);
    expect(openCensus({ before: { ...before, processes: missing } }).compare().count).toBe(0);
  });
});

describe("things without a process", () => {
  it("finds shared memory and sees it vanish", async () => {
    const census = openCensus();
    const file = `/dev/shm/census-test-${process.pid}`;
    writeFileSync(file, "left");
    try {
      const report = await census.waitUntilEmpty(0);
      expect(report.left.sharedMemory.map((entry) => entry.path)).toEqual([file]);
      expect(report.emptyAfterMs).toBeNull();
    } finally {
      rmSync(file);
    }
    expect((await census.waitUntilEmpty(DEADLINE_MS)).left.sharedMemory).toEqual([]);
  });

  it("lists shared memory apart while a stranger holds it", async () => {
    const file = `/dev/shm/census-held-${process.pid}`;
    const stranger = spawn("/bin/sh", ["-c", `exec 3>${file}; echo ready; read -r _`], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    try {
      const census = openCensus();
      await once(stranger.stdout, "data");
      const before = { ...census.before, sharedMemory: [] };
      const found = openCensus({ before }).compare();
      expect(found.left.sharedMemory.map((entry) => entry.path)).not.toContain(file);
      expect(found.unattributed.sharedMemory.map((entry) => entry.path)).toContain(file);
    } finally {
      stranger.stdin.end();
      await once(stranger, "exit");
      rmSync(file);
    }
  });

  it("finds a new entry in a scratch folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "census-"));
    try {
      writeFileSync(join(folder, "before"), "");
      const census = openCensus({ scratch: [folder] });
      const left = join(folder, "left");
      writeFileSync(left, "");
      expect(census.compare().left.scratch.map((entry) => entry.path)).toEqual([left]);
      rmSync(left);
      expect((await census.waitUntilEmpty(DEADLINE_MS)).left.scratch).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("finds System V objects and sees them vanish", ({ skip }) => {
    const make = `
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.semget(0, 1, 0o1600), libc.shmget(0, 4096, 0o1600), libc.msgget(0, 0o1600))`;
    const census = openCensus();
    const made = spawnSync("python3", ["-c", make], { encoding: "utf8" });
    if (made.status !== 0) skip("needs python3 with ctypes");
    const [sem = "", shm = "", msg = ""] = made.stdout.trim().split(" ");
    try {
      const found = census.compare().left.sysv.map((entry) => `${entry.kind} ${entry.id}`);
      expect(found).toEqual([`sem ${sem}`, `shm ${shm}`, `msg ${msg}`]);
    } finally {
      spawnSync("ipcrm", ["-s", sem, "-m", shm, "-q", msg]);
    }
    expect(census.compare().left.sysv).toEqual([]);
  });
});

it("counts descriptors", () => {
  const before = openDescriptors(process.pid);
  expect(before).not.toBeNull();
  expect(openDescriptors(process.pid)).toBe(before);
  expect(openDescriptors(2 ** 22 + 1)).toBeNull();
});
