import { readdirSync, statSync } from "node:fs";
import type { CgroupEntry, FileEntry, SysvEntry } from "./objects.ts";
import { type ProcessEntry, readLink, readText } from "./processes.ts";

/**
 * Who uses a thing: what only strangers hold was left by nobody of ours. All are best effort, and
 * meant for the few things that are new; they read every descriptor of every process.
 */
export interface Holders {
  readonly ofFile: (file: FileEntry) => number[];
  readonly ofFolder: (file: FileEntry) => number[];
  readonly ofSysv: (entry: SysvEntry) => number[];
  readonly ofCgroup: (entry: CgroupEntry) => number[];
}

export function findHolders(processes: readonly ProcessEntry[]): Holders {
  const pids = processes.filter((entry) => !entry.kernelThread).map((entry) => entry.pid);
  const holding = (test: (pid: number) => boolean): number[] => pids.filter(test);
  return {
    ofFile: (file) => holding((pid) => hasOpen(pid, file) || hasMapped(pid, file)),
    ofFolder: (folder) => holding((pid) => isBelow(pid, folder.path)),
    ofSysv: (entry) =>
      entry.kind === "shm"
        ? holding((pid) => hasAttached(pid, entry.id))
        : livingUsers(entry, pids),
    ofCgroup: ({ path }) => [...membersOf(path), ...(readKeeper(path) ?? [])],
  };
}

function hasOpen(pid: number, file: FileEntry): boolean {
  return descriptorsOf(pid).some((path) => {
    try {
      const stat = statSync(path);
      return stat.ino === file.inode && stat.dev === file.device;
    } catch {
      return false; // Closed in the meantime.
    }
  });
}

/** A POSIX semaphore is mapped and its descriptor closed, so only `maps` shows its users. */
function hasMapped(pid: number, file: FileEntry): boolean {
  const device = `${hex(major(file.device))}:${hex(minor(file.device))}`;
  return linesOf(`/proc/${pid}/maps`).some((line) => {
    const [, , , where, inode] = line.split(/\s+/, 5);
    return where === device && Number(inode) === file.inode;
  });
}

function hasAttached(pid: number, id: number): boolean {
  if (readLink(`/proc/${pid}/ns/ipc`) !== readLink("/proc/self/ns/ipc")) return false;
  // The "file" of an attached segment is named after its key, and its inode is the segment's id.
  return linesOf(`/proc/${pid}/maps`).some((line) => {
    const [, , , , inode, path = ""] = line.split(/\s+/);
    return path.startsWith("/SYSV") && Number(inode) === id;
  });
}

function livingUsers(entry: SysvEntry, pids: readonly number[]): number[] {
  return entry.pids.filter((pid) => pids.includes(pid));
}

function isBelow(pid: number, folder: string): boolean {
  const places = [`/proc/${pid}/cwd`, `/proc/${pid}/root`, ...descriptorsOf(pid)];
  return places.some((place) => {
    const target = readLink(place);
    return target !== null && (target === folder || target.startsWith(`${folder}/`));
  });
}

/**
 * A keeper's cgroup says in its name whose it is: `cofferdam-<run>.<PID namespace>.<pid>`. A task's
 * lies in it.
 */
const keepersName = /\/cofferdam-[0-9a-f]{8}\.(\d+)\.(\d+)(?:\/|$)/;

/** The keeper's pid where it lives in our namespace. */
function readKeeper(cgroup: string): [number] | undefined {
  const [, , pid] = keepersName.exec(cgroup) ?? [];
  return pid === undefined || isOfOtherNamespace(cgroup) ? undefined : [Number(pid)];
}

/** Its keeper's pids are not ours: then neither is the cgroup, for our keepers we can see. */
export function isOfOtherNamespace(cgroup: string): boolean {
  const [, inode] = keepersName.exec(cgroup) ?? [];
  return inode !== undefined && readLink("/proc/self/ns/pid") !== `pid:[${inode}]`;
}

function membersOf(cgroup: string): number[] {
  const own = linesOf(`${cgroup}/cgroup.procs`).map(Number);
  try {
    const children = readdirSync(cgroup, { withFileTypes: true });
    return [
      ...own,
      ...children
        .filter((child) => child.isDirectory())
        .flatMap((child) => membersOf(`${cgroup}/${child.name}`)),
    ];
  } catch {
    return own;
  }
}

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => `/proc/${pid}/fd/${name}`);
  } catch {
    return [];
  }
}

function linesOf(path: string): string[] {
  return (readText(path) ?? "").split("\n").filter((line) => line !== "");
}

// The layout of dev_t as stat(2) gives it (glibc's gnu_dev_major, lower 32 bits).
function major(device: number): number {
  return (device >>> 8) & 0xfff;
}

function minor(device: number): number {
  return (device & 0xff) | ((device >>> 12) & 0xfff00);
}

function hex(value: number): string {
  return value.toString(16).padStart(2, "0");
}
