import type { Attributed, Attribution, LeftProcess, RootProcess } from "./attribution.ts";
import { findHolders, isOfOtherNamespace } from "./holders.ts";
import { listMounts, type Mount } from "./mounts.ts";
import type { CgroupEntry, FileEntry, SysvEntry } from "./objects.ts";
import { type ProcessEntry, readProcess, listPids, readProcessStat } from "./processes.ts";
import { type Snapshot, takeObjects } from "./snapshot.ts";

/** What is there now and was not at the snapshot, apart from processes. */
export interface NewObjects {
  readonly sharedMemory: readonly FileEntry[];
  readonly sysv: readonly SysvEntry[];
  readonly messageQueues: readonly FileEntry[];
  readonly cgroups: readonly CgroupEntry[];
  readonly mounts: readonly Mount[];
  readonly scratch: readonly FileEntry[];
}

export interface Comparison {
  /** How many things of all kinds the run left. */
  readonly count: number;
  /** How many of them are zombies: dead, waiting for a parent that does not ask. */
  readonly zombies: number;
  /** Zombies that only init can reap. They are not in `count`: see {@link Attributed.handedOver}. */
  readonly handedOver: readonly LeftProcess[];
  readonly left: NewObjects & { readonly processes: readonly LeftProcess[] };
  /** New, but nothing ties it to the run, or a stranger holds it. */
  readonly unattributed: NewObjects & { readonly processes: readonly ProcessEntry[] };
  readonly blindSpots: readonly string[];
}

/** Compares this moment with the snapshot. */
export function compareWithNow(
  before: Snapshot,
  attribution: Attribution,
  roots: readonly RootProcess[] = [],
): Comparison {
  const processes = readNewProcesses(attribution);
  const attributed = attribution.judge(processes, roots);
  const { ours, strangers } = divideObjects(findNewObjects(before), processes, attributed);
  return {
    count: attributed.left.length + countObjects(ours),
    zombies: attributed.left.filter((entry) => entry.process.zombie).length,
    handedOver: attributed.handedOver,
    left: { processes: attributed.left, ...ours },
    unattributed: { processes: attributed.unattributed, ...strangers },
    blindSpots: before.blindSpots,
  };
}

/**
 * All processes, the new ones in full. Of those that were there before only `stat` is read: a
 * census is taken again and again, and they are needed only as links in chains of parents.
 */
export function readNewProcesses(attribution: Attribution): ProcessEntry[] {
  return listPids()
    .map((pid): ProcessEntry | undefined => {
      const stat = readProcessStat(pid);
      if (stat === undefined) return undefined;
      const known = attribution.recall(stat);
      return known === undefined ? readProcess(pid) : { ...known, ...stat };
    })
    .filter((entry) => entry !== undefined);
}

function findNewObjects(before: Snapshot): NewObjects {
  const mounts = listMounts();
  const now = takeObjects(mounts, before.scratchFolders);
  const file = (entry: FileEntry): string => `${entry.path}:${entry.device}:${entry.inode}`;
  return {
    sharedMemory: added(before.sharedMemory, now.sharedMemory, file),
    sysv: added(before.sysv, now.sysv, (entry) => `${entry.kind}:${entry.id}`),
    messageQueues: added(before.messageQueues, now.messageQueues, file),
    cgroups: added(before.cgroups, now.cgroups, (entry) => `${entry.path}:${entry.inode}`),
    mounts: added(before.mounts, mounts, (entry) => `${entry.id}:${entry.path}`),
    scratch: added(before.scratch, now.scratch, file),
  };
}

function added<T>(before: readonly T[], now: readonly T[], key: (entry: T) => string): T[] {
  const old = new Set(before.map(key));
  return now.filter((entry) => !old.has(key(entry)));
}

/** Nothing says who made a thing; it is held to be the run's unless only strangers are using it. */
function divideObjects(
  objects: NewObjects,
  processes: readonly ProcessEntry[],
  { isForeign }: Attributed,
): { ours: NewObjects; strangers: NewObjects } {
  const holders = findHolders(processes);
  const divide = <T>(entries: readonly T[], holdersOf: (entry: T) => number[]): [T[], T[]] => {
    const strange = entries.filter((entry) => {
      const users = holdersOf(entry);
      return users.length > 0 && users.every(isForeign);
    });
    return [entries.filter((entry) => !strange.includes(entry)), strange];
  };
  const sharedMemory = divide(objects.sharedMemory, holders.ofFile);
  const sysv = divide(objects.sysv, holders.ofSysv);
  const messageQueues = divide(objects.messageQueues, holders.ofFile);
  const isOthers = ({ path }: CgroupEntry): boolean => isOfOtherNamespace(path);
  const seen = objects.cgroups.filter((entry) => !isOthers(entry));
  const cgroups = divide(seen, holders.ofCgroup);
  const scratch = divide(objects.scratch, (entry) =>
    entry.directory ? holders.ofFolder(entry) : holders.ofFile(entry),
  );
  return {
    ours: {
      sharedMemory: sharedMemory[0],
      sysv: sysv[0],
      messageQueues: messageQueues[0],
      cgroups: cgroups[0],
      mounts: objects.mounts,
      scratch: scratch[0],
    },
    strangers: {
      sharedMemory: sharedMemory[1],
      sysv: sysv[1],
      messageQueues: messageQueues[1],
      cgroups: [...cgroups[1], ...objects.cgroups.filter(isOthers)],
      mounts: [],
      scratch: scratch[1],
    },
  };
}

function countObjects(objects: NewObjects): number {
  const lists: readonly (readonly unknown[])[] = Object.values(objects);
  return lists.reduce((sum, list) => sum + list.length, 0);
}
