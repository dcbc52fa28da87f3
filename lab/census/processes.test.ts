import { describe, expect, it } from "vitest";
import { parseMounts } from "./mounts.ts";
import { parseSysv } from "./objects.ts";
import { parseProcessStat, readProcess, readProcesses } from "./processes.ts";

describe("stat", () => {
  const tail = "7 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 0 0";

  it("is read right whatever the name of the program is", () => {
    const entry = parseProcessStat(`12 (a ) S 1 (b) Z ${tail}`);
    expect(entry).toMatchObject({ pid: 12, comm: "a ) S 1 (b", state: "Z", ppid: 7, zombie: true });
    expect(entry?.starttime).toBe(4242);
  });

  it("does not call a process dead whose other threads go on", () => {
    const threads = tail.replace("20 0 1 0 4242", "20 0 3 0 4242");
    expect(parseProcessStat(`12 (a) Z ${threads}`)?.zombie).toBe(false);
  });

  it("tells kernel threads from processes", () => {
    expect(readProcess(process.pid)?.kernelThread).toBe(false);
    const flagged = tail.replace("4194560", String(4194560 | 0x200000));
    expect(parseProcessStat(`12 (kworker/0:0) I ${flagged}`)?.kernelThread).toBe(true);
  });
});

it("sees itself among the processes, and nothing where there is no process", () => {
  const self = readProcesses().find((entry) => entry.pid === process.pid);
  expect(self).toMatchObject({ ppid: process.ppid, zombie: false, environReadable: true });
  expect(self?.cmdline.length).toBeGreaterThan(0);
  expect(readProcess(2 ** 22 + 1)).toBeUndefined();
});

it("reads the tables of System V objects by their titles", () => {
  const table = `       key      shmid perms       size  cpid  lpid nattch   uid
   -42         3   600       4096    11    12      0  1000
`;
  expect(parseSysv("shm", table)).toEqual([
    { kind: "shm", id: 3, key: -42, uid: 1000, pids: [11, 12] },
  ]);
  expect(parseSysv("sem", "       key      semid perms      nsems   uid\n")).toEqual([]);
});

it("reads mounts with and without optional fields", () => {
  const text = `25 1 0:22 / /a\\040b rw,nosuid shared:5 master:2 - tmpfs tmpfs rw,size=1k
26 1 0:23 / /proc rw - proc proc rw,hidepid=invisible
`;
  expect(parseMounts(text)).toEqual([
    { id: 25, path: "/a b", type: "tmpfs", options: "rw,nosuid,rw,size=1k" },
    { id: 26, path: "/proc", type: "proc", options: "rw,rw,hidepid=invisible" },
  ]);
});
