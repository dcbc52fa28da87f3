/**
 * Everything that happens in a run, as one union. Progress renderers, the joblog and metrics are
 * consumers of it; nothing else prints. A new `type` is a compile error in every consumer that
 * switches over it (see `assertNever`).
 *
 * Times are milliseconds since the epoch, durations milliseconds, sizes bytes. Item names come from
 * outside (file names): a consumer that shows one on a terminal escapes it first.
 */
export type CofferdamEvent =
  | RunStarted
  | ItemsDiscovered
  | ItemStarted
  | ItemFinished
  | TaskStarted
  | TaskEnded
  | KeeperStarted
  | KeeperLost
  | MemorySampled
  | Notice
  | RunFinished;

/** How surely the processes of a run are known to be gone; see `docs/reference/containment.md`. */
export type TreeContainment = "namespace" | "subreaper" | "group";

export interface RunStarted {
  readonly type: "run-started";
  readonly at: number;
  /** What runs, in a few words: `documents`, `exec`. */
  readonly title: string;
  readonly workers: number;
}

/** More items are known. `total` is the count so far; it may grow while a source is still read. */
export interface ItemsDiscovered {
  readonly type: "items-discovered";
  readonly at: number;
  /** Of a pipeline: whose items they are. */
  readonly stage?: string;
  readonly total: number;
  readonly final: boolean;
}

export interface ItemStarted {
  readonly type: "item-started";
  readonly at: number;
  readonly stage?: string;
  readonly item: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

export type ItemOutcome = "done" | "skipped" | "failed" | "quarantined";

/** The item's last word: each discovered item gets exactly one of these. */
export interface ItemFinished {
  readonly type: "item-finished";
  readonly at: number;
  readonly stage?: string;
  readonly item: string;
  readonly outcome: ItemOutcome;
  readonly durationMs: number;
  /** Where the result lies, if it made a file. */
  readonly output?: string;
  /** Why it was skipped: `unchanged`. */
  readonly reason?: string;
  /** Set when `outcome` is `failed` or `quarantined`. */
  readonly error?: {
    readonly code: string;
    readonly message: string;
    /** When it was found. Only of a failure that was not tried again, as nothing has changed. */
    readonly since?: number;
  };
}

/** A contained process tree has started. */
export interface TaskStarted {
  readonly type: "task-started";
  readonly at: number;
  readonly task: number;
  /** The process id as the host sees it. */
  readonly pid: number;
  readonly command: readonly string[];
}

export type TaskOutcome = "ok" | "failed" | "timeout" | "memory" | "cancelled" | "lost" | "stuck";

/** A contained process tree has ended: every process of it is gone, unless `outcome` is `stuck`. */
export interface TaskEnded {
  readonly type: "task-ended";
  readonly at: number;
  readonly task: number;
  readonly outcome: TaskOutcome;
  readonly durationMs: number;
  readonly left: number;
}

export interface KeeperStarted {
  readonly type: "keeper-started";
  readonly at: number;
  readonly pid: number;
  readonly tree: TreeContainment;
}

/** The keeper died. Its tasks end as `lost`, and another keeper is started. */
export interface KeeperLost {
  readonly type: "keeper-lost";
  readonly at: number;
  readonly pid: number;
}

/** Memory of all contained trees together. */
export interface MemorySampled {
  readonly type: "memory-sampled";
  readonly at: number;
  readonly bytes: number;
}

/** Something a person should know that is no item's failure: a weaker containment, a retry. */
export interface Notice {
  readonly type: "notice";
  readonly at: number;
  readonly level: "info" | "warning";
  readonly message: string;
}

/** Counts of items by how they ended. They add up to `total`. */
export interface ItemCounts {
  readonly total: number;
  readonly done: number;
  readonly skipped: number;
  readonly failed: number;
  readonly quarantined: number;
  /** Discovered, never finished: only after an interruption. */
  readonly pending: number;
}

export interface RunFinished {
  readonly type: "run-finished";
  readonly at: number;
  readonly durationMs: number;
  readonly interrupted: boolean;
  readonly counts: ItemCounts;
}

/** Receives events in the order in which they happened. Must not throw. */
export type EventListener = (event: CofferdamEvent) => void;

/** Makes a forgotten variant a compile error, and a run-time one for untyped callers. */
export function assertNever(value: never): never {
  throw new TypeError(`unhandled variant: ${JSON.stringify(value)}`);
}
