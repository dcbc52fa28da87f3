import { ownPid, type ProcessEntry, processKey } from "./processes.ts";
import type { Snapshot } from "./snapshot.ts";

/** Why a process is said to belong to the run. */
export type Reason =
  /** Its environment carries the run's cookie. */
  | "cookie"
  /** It is a given root, or it descends from one, or from a process of the run. */
  | "descent"
  /** Its session or process group was founded by a process of the run. */
  | "session"
  /** It lives in a PID namespace that did not exist before. */
  | "namespace"
  /** New, orphaned, and its program or arguments lie under a path that was given. */
  | "marker";

/** A pid with, where it is known, its start time. */
export interface RootProcess {
  readonly pid: number;
  readonly starttime?: number;
}

export interface AttributionOptions {
  readonly cookie?: string | undefined;
  readonly roots?: readonly RootProcess[] | undefined;
  readonly markers?: readonly string[] | undefined;
}

export interface LeftProcess {
  readonly process: ProcessEntry;
  readonly reason: Reason;
}

export interface Attributed {
  /** New processes of the run. */
  readonly left: readonly LeftProcess[];
  /**
   * Dead processes of the run that init, or the subreaper above us, has been given and has not yet
   * asked for. They are its to reap, and some take seconds to do so; no run can hurry them.
   */
  readonly handedOver: readonly LeftProcess[];
  /** New processes that nothing ties to the run. */
  readonly unattributed: readonly ProcessEntry[];
  readonly isForeign: (pid: number) => boolean;
}

/**
 * Says which processes belong to a run. It remembers: a process that was once seen to belong does
 * so for good, also after it has changed its environment or lost its parent.
 */
export class Attribution {
  readonly #before: Snapshot;
  readonly #options: AttributionOptions;
  readonly #old: ReadonlyMap<string, ProcessEntry>;
  /** Members ever seen, by pid and start time. */
  readonly #members = new Map<string, Reason>();
  /** The start times of all members ever seen, by pid: founders of sessions may be long dead. */
  readonly #founders = new Map<number, number>();

  constructor(before: Snapshot, options: AttributionOptions = {}) {
    this.#before = before;
    this.#options = options;
    this.#old = new Map(before.processes.map((entry) => [processKey(entry), entry]));
  }

  /** The process as it was at the snapshot, if it was there. */
  recall(process: { readonly pid: number; readonly starttime: number }): ProcessEntry | undefined {
    return this.#old.get(processKey(process));
  }

  judge(now: readonly ProcessEntry[], roots: readonly RootProcess[] = []): Attributed {
    const byPid = new Map(now.map((entry) => [entry.pid, entry]));
    const ourselves = chainOf(ownPid(), byPid);
    const fresh = now.filter(
      (entry) =>
        !entry.kernelThread && this.recall(entry) === undefined && !ourselves.has(entry.pid),
    );
    const allRoots = [...(this.#options.roots ?? []), ...roots];
    const isRoot = (entry: ProcessEntry | undefined): boolean =>
      entry !== undefined &&
      allRoots.some(
        (root) =>
          root.pid === entry.pid &&
          (root.starttime === undefined || root.starttime === entry.starttime),
      );
    const newNamespaces = this.#newNamespaces(now);

    this.#spread(fresh, byPid, isRoot, newNamespaces);
    for (const entry of fresh) {
      if (this.#isMember(entry)) continue;
      if (entry.pidns !== null && newNamespaces.has(entry.pidns)) {
        this.#claimNamespace(entry, byPid);
      } else if (this.#isMarked(entry)) {
        this.#add(entry, "marker");
      }
    }
    this.#spread(fresh, byPid, isRoot, newNamespaces);

    const members = fresh.flatMap((entry) => {
      const reason = this.#members.get(processKey(entry));
      return reason === undefined ? [] : [{ process: entry, reason }];
    });
    const isHandedOver = ({ process: entry }: LeftProcess): boolean =>
      entry.zombie && this.#isAdopter(entry.ppid);
    return {
      left: members.filter((member) => !isHandedOver(member)),
      handedOver: members.filter(isHandedOver),
      unattributed: fresh.filter((entry) => !this.#isMember(entry)),
      isForeign: (pid) => {
        const entry = byPid.get(pid);
        return entry !== undefined && !this.#isMember(entry) && !ourselves.has(pid);
      },
    };
  }

  /** Membership by cookie, then along parents, sessions and namespaces until nothing changes. */
  #spread(
    fresh: readonly ProcessEntry[],
    byPid: ReadonlyMap<number, ProcessEntry>,
    isRoot: (entry: ProcessEntry | undefined) => boolean,
    newNamespaces: ReadonlySet<string>,
  ): void {
    const { cookie } = this.#options;
    let pending = fresh.filter((entry) => !this.#isMember(entry));
    let before: number;
    do {
      before = pending.length;
      const held = new Set(
        fresh.filter((entry) => this.#isMember(entry)).map((entry) => entry.pidns),
      );
      for (const entry of pending) {
        const parent = byPid.get(entry.ppid);
        if (cookie !== undefined && entry.cookie === cookie) this.#add(entry, "cookie");
        else if (isRoot(entry) || isRoot(parent)) this.#add(entry, "descent");
        else if (parent !== undefined && this.#isMember(parent)) this.#add(entry, "descent");
        else if (this.#wasFounded(entry)) this.#add(entry, "session");
        else if (entry.pidns !== null && newNamespaces.has(entry.pidns) && held.has(entry.pidns)) {
          this.#add(entry, "namespace");
        }
      }
      pending = pending.filter((entry) => !this.#isMember(entry));
    } while (pending.length < before);
  }

  /**
   * A namespace that is new counts as the run's, with the chain of new processes above it, unless
   * it is provably somebody else's: another run's cookie, or a living parent that was there before.
   */
  #claimNamespace(entry: ProcessEntry, byPid: ReadonlyMap<number, ProcessEntry>): void {
    const chain: ProcessEntry[] = [];
    for (
      let current: ProcessEntry | undefined = entry;
      current !== undefined && !this.#isAdopter(current.pid) && !chain.includes(current);
      current = byPid.get(current.ppid)
    ) {
      if (current.cookie !== null && current.cookie !== this.#options.cookie) return;
      if (this.recall(current) !== undefined) return;
      chain.push(current);
    }
    for (const member of chain) this.#add(member, "namespace");
  }

  #isMarked(entry: ProcessEntry): boolean {
    const markers = this.#options.markers ?? [];
    if (markers.length === 0 || !this.#isAdopter(entry.ppid)) return false;
    const words = [entry.exe ?? "", ...entry.cmdline];
    return markers.some((marker) => words.some((word) => word.includes(marker)));
  }

  /** The leader of a session or group may be dead; its pid stays taken while the session lives. */
  #wasFounded(entry: ProcessEntry): boolean {
    return [entry.sid, entry.pgid].some((founder) => {
      const start = this.#founders.get(founder);
      return founder !== entry.pid && start !== undefined && start <= entry.starttime;
    });
  }

  #isAdopter(pid: number): boolean {
    return pid === 0 || pid === 1 || pid === this.#before.adopter;
  }

  /**
   * Numbers of namespaces are used again. One counts as old only while a process that was in it at
   * the snapshot still is.
   */
  #newNamespaces(now: readonly ProcessEntry[]): ReadonlySet<string> {
    const old = new Set(
      now.map((entry) => this.recall(entry)?.pidns).filter((pidns) => pidns !== undefined),
    );
    const own = now.find((entry) => entry.pid === ownPid())?.pidns;
    return new Set(
      now
        .map((entry) => entry.pidns)
        .filter((pidns) => pidns !== null)
        .filter((pidns) => !old.has(pidns) && pidns !== own),
    );
  }

  #isMember(entry: ProcessEntry): boolean {
    return this.#members.has(processKey(entry));
  }

  #add(entry: ProcessEntry, reason: Reason): void {
    this.#members.set(processKey(entry), reason);
    this.#founders.set(entry.pid, entry.starttime);
  }
}

/** A process and all above it. */
function chainOf(pid: number, byPid: ReadonlyMap<number, ProcessEntry>): Set<number> {
  const chain = new Set<number>();
  for (
    let current = byPid.get(pid);
    current !== undefined && !chain.has(current.pid);
    current = byPid.get(current.ppid)
  ) {
    chain.add(current.pid);
  }
  return chain;
}
