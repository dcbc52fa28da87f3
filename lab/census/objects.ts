import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Mount, mountsOfType } from "./mounts.ts";
import { readText } from "./processes.ts";

/** Something with a name in a folder: `/dev/shm`, `/dev/mqueue`, or a scratch folder. */
export interface FileEntry {
  readonly path: string;
  readonly inode: number;
  readonly device: number;
  readonly uid: number;
  readonly directory: boolean;
}

export interface SysvEntry {
  readonly kind: "sem" | "shm" | "msg";
  readonly id: number;
  readonly key: number;
  readonly uid: number;
  /** Who made it or used it last, as far as the kernel tells: nothing for semaphores. */
  readonly pids: readonly number[];
}

/** A control group of the v2 hierarchy, by its folder. */
export interface CgroupEntry {
  readonly path: string;
  readonly inode: number;
}

/** The entries directly inside a folder; none when there is no such folder. */
export function listFolder(folder: string): FileEntry[] {
  return namesIn(folder)
    .map((name) => statEntry(join(folder, name)))
    .filter((entry) => entry !== undefined);
}

export function listSharedMemory(): FileEntry[] {
  return listFolder("/dev/shm");
}

/** POSIX message queues; `null` where the file system that shows them is not mounted. */
export function listMessageQueues(mounts: readonly Mount[]): FileEntry[] | null {
  const mount = mountsOfType(mounts, "mqueue")[0];
  return mount === undefined ? null : listFolder(mount.path);
}

/** System V objects of our own IPC namespace. */
export function listSysv(): SysvEntry[] {
  return (["sem", "shm", "msg"] as const).flatMap((kind) => {
    const text = readText(`/proc/sysvipc/${kind}`);
    return text === null ? [] : parseSysv(kind, text);
  });
}

/** Columns are found by their title: their order differs by kind, their number by kernel. */
export function parseSysv(kind: SysvEntry["kind"], text: string): SysvEntry[] {
  const [head = "", ...lines] = text.split("\n").map((line) => line.trim());
  const titles = head.split(/\s+/);
  const idTitle = { sem: "semid", shm: "shmid", msg: "msqid" }[kind];
  const pidTitles = ["cpid", "lpid", "lspid", "lrpid"];
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const cells = line.split(/\s+/);
      const cell = (title: string): number => Number(cells[titles.indexOf(title)]);
      const pids = pidTitles.filter((title) => titles.includes(title)).map(cell);
      return {
        kind,
        id: cell(idTitle),
        key: cell("key"),
        uid: cell("uid"),
        pids: [...new Set(pids)].filter((pid) => pid > 0),
      };
    });
}

/** Every cgroup below the v2 mount, wherever that is (`/sys/fs/cgroup`, or `…/unified`). */
export function listCgroups(mounts: readonly Mount[]): CgroupEntry[] {
  const root = mountsOfType(mounts, "cgroup2")[0];
  if (root === undefined) return [];
  const found: CgroupEntry[] = [];
  const visit = (folder: string): void => {
    for (const entry of listFolder(folder)) {
      if (!entry.directory) continue;
      found.push({ path: entry.path, inode: entry.inode });
      visit(entry.path);
    }
  };
  visit(root.path);
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function statEntry(path: string): FileEntry | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  return {
    path,
    inode: stat.ino,
    device: stat.dev,
    uid: stat.uid,
    directory: stat.isDirectory(),
  };
}
