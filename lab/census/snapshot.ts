import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findAdopter } from "./adopter.ts";
import { listMounts, type Mount, mountsOfType } from "./mounts.ts";
import {
  type CgroupEntry,
  type FileEntry,
  listCgroups,
  listFolder,
  listMessageQueues,
  listSharedMemory,
  listSysv,
  type SysvEntry,
} from "./objects.ts";
import { ownPid, type ProcessEntry, readProcesses } from "./processes.ts";

/** Everything a run could leave on this machine, at one moment. Plain data: it survives JSON. */
export interface Snapshot {
  readonly format: 1;
  /** Milliseconds since the epoch. */
  readonly takenAt: number;
  /** Who gets the orphans of processes started from where the snapshot was taken. */
  readonly adopter: number;
  readonly processes: readonly ProcessEntry[];
  readonly sharedMemory: readonly FileEntry[];
  readonly sysv: readonly SysvEntry[];
  readonly messageQueues: readonly FileEntry[];
  readonly cgroups: readonly CgroupEntry[];
  readonly mounts: readonly Mount[];
  /** The folders whose entries are watched. */
  readonly scratchFolders: readonly string[];
  readonly scratch: readonly FileEntry[];
  /** What could not be looked at, in words. An empty count says nothing about these. */
  readonly blindSpots: readonly string[];
}

/** Where a run of Cofferdam keeps its folders: `${TMPDIR:-/tmp}/cofferdam-<uid>`. */
export function runFolder(temporary = tmpdir()): string {
  return join(temporary, `cofferdam-${process.getuid?.() ?? 0}`);
}

/** The entries of `scratchFolders` are watched; a folder need not exist yet. */
export function takeSnapshot(scratchFolders: readonly string[] = [runFolder()]): Snapshot {
  const folders = [...new Set(scratchFolders.map((folder) => resolve(folder)))];
  const mounts = listMounts();
  return {
    format: 1,
    takenAt: Date.now(),
    adopter: findAdopter(),
    processes: readProcesses(),
    ...takeObjects(mounts, folders),
    mounts,
    scratchFolders: folders,
    blindSpots: findBlindSpots(mounts),
  };
}

export type Objects = Pick<
  Snapshot,
  "sharedMemory" | "sysv" | "messageQueues" | "cgroups" | "scratch"
>;

export function takeObjects(mounts: readonly Mount[], scratchFolders: readonly string[]): Objects {
  return {
    sharedMemory: listSharedMemory(),
    sysv: listSysv(),
    messageQueues: listMessageQueues(mounts) ?? [],
    cgroups: listCgroups(mounts),
    // A watched folder inside another one is a place for scratch, and no scratch itself.
    scratch: scratchFolders
      .flatMap(listFolder)
      .filter((entry) => !scratchFolders.includes(entry.path)),
  };
}

/** A `/proc` of another namespace, or one that hides processes, would make every count too low. */
function findBlindSpots(mounts: readonly Mount[]): string[] {
  const spots: string[] = [];
  if (ownPid() !== process.pid) {
    spots.push(
      `/proc shows another PID namespace than ours (${ownPid()} there, ${process.pid} here)`,
    );
  }
  const proc = mounts.filter((mount) => mount.path === "/proc").at(-1);
  const hidden = proc === undefined ? null : /hidepid=([^,]+)/.exec(proc.options);
  if (hidden !== null && !["0", "off"].includes(hidden[1] ?? "") && process.getuid?.() !== 0) {
    spots.push(
      `/proc is mounted with hidepid=${hidden[1] ?? ""}: processes of other users are unseen`,
    );
  }
  if (mountsOfType(mounts, "mqueue").length === 0) {
    spots.push("POSIX message queues: their file system is not mounted");
  }
  if (mountsOfType(mounts, "cgroup2").length === 0) {
    spots.push("cgroups: no v2 hierarchy is mounted");
  }
  return spots;
}
