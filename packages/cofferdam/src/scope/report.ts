import { monotonicMs } from "../clock.ts";
import type {
  Containment,
  IpcSharing,
  Leak,
  Measured,
  ObjectKind,
  ProcessEnd,
} from "../keeper/index.ts";
import { withIpc } from "./shared-ipc.ts";

/** What a scope started and what is left of it. Sizes in bytes, times in milliseconds. */
export interface ScopeReport {
  /** `ipc` is that of the task which shares with the most. */
  readonly containment: Containment;
  /** Why nothing stronger could be had; empty when nothing is missing. */
  readonly shortfall: string;
  readonly durationMs: number;
  readonly tasks: { readonly started: number; readonly lost: number };
  readonly processes: {
    /** Commands and what they started, the inits that held them, the keepers, and what held IPC objects. */
    readonly started: Measured;
    /** Killed because they did not end by themselves. */
    readonly killed: number;
    readonly left: number;
    /** Whether the kernel has confirmed `left`. Without, it is what was seen. */
    readonly verified: boolean;
  };
  /** Of all trees together, at the worst moment. */
  readonly peakMemoryBytes: Measured;
  /** What commands left, by themselves or because they were ended, and what was done about it. */
  readonly leaks: readonly Leak[];
  /** What appeared among the machine's objects and is not proved to be a task's: left alone. */
  readonly unattributed: readonly Leak[];
  /** Kinds of the machine's objects that for some task could not be looked at. */
  readonly unseen: readonly ObjectKind[];
  readonly keepersLost: number;
}

const leaksKept = 1000;

/** Adds up what a scope's tasks tell. */
export class Tally {
  readonly #since = monotonicMs();
  #tasks = 0;
  #lost = 0;
  #processes = 0;
  #killed = 0;
  #left = 0;
  #peak = 0;
  #keepersLost = 0;
  #ipc: IpcSharing = "task";
  readonly #leaks: Leak[] = [];
  readonly #unattributed = new Map<string, Leak>();
  readonly #unseen = new Set<ObjectKind>();

  taskStarted(ipc: IpcSharing | undefined): void {
    this.#tasks++;
    if (ipc === "host" || (ipc === "scope" && this.#ipc === "task")) this.#ipc = ipc;
  }

  /** What held the IPC objects that tasks of the scope shared: no task, but a process. */
  holderEnded(end: ProcessEnd): void {
    this.#processes += end.started.value;
    this.#left += end.left;
    this.#addLeaks(end.leaks);
  }

  taskEnded(end: ProcessEnd): void {
    this.#processes += end.started.value;
    this.#killed += end.killed;
    this.#left += end.left;
    this.memorySampled(end.peakMemoryBytes.value);
    if (end.cause === "keeper-lost" || end.cause === "killed") this.#lost++;
    this.#addLeaks(end.leaks);
    // Of tasks beside each other each tells of it.
    for (const leak of end.unattributed)
      if (this.#unattributed.size < leaksKept)
        this.#unattributed.set(`${leak.kind} ${leak.name}`, leak);
    for (const kind of end.unseen) this.#unseen.add(kind);
  }

  #addLeaks(leaks: readonly Leak[]): void {
    this.#leaks.push(...leaks.slice(0, leaksKept - this.#leaks.length));
  }

  memorySampled(bytes: number): void {
    this.#peak = Math.max(this.#peak, bytes);
  }

  keeperLost(): void {
    this.#keepersLost++;
  }

  left(processes: number): void {
    this.#left += processes;
  }

  report(containment: Containment, shortfall: string, ownProcesses: number): ScopeReport {
    return {
      containment: withIpc(containment, this.#ipc),
      shortfall,
      durationMs: monotonicMs() - this.#since,
      tasks: { started: this.#tasks, lost: this.#lost },
      processes: {
        started: { value: this.#processes + ownProcesses, method: "lower-bound" },
        killed: this.#killed,
        left: this.#left,
        verified: containment.tree === "namespace" && this.#left === 0,
      },
      peakMemoryBytes: { value: this.#peak, method: "sampled" },
      leaks: [...this.#leaks],
      unattributed: [...this.#unattributed.values()],
      unseen: [...this.#unseen],
      keepersLost: this.#keepersLost,
    };
  }
}
