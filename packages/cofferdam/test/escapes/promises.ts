/** What each way promises against each trick: this table is the matrix of the documentation too. */
import type { TrickName, Way } from "./catalogue.ts";

/** Nothing of it is left, and nothing it made. Under `namespace` the report says `verified`. */
type Gone = "gone";

/** It may stay, and so nothing is called verified. */
export interface MayStay {
  readonly why: Reason;
  /** Only where Cofferdam runs as root; else it is gone. */
  readonly onlyRoot?: true;
  /** Only where the task has no cgroup of its own; with one it is gone. */
  readonly onlyWithoutCgroup?: true;
}

export const reasons = {
  objects:
    "The object is the machine's own. It is removed where it is [proved](containment.md#objects-outside-namespaces) to be the task's, and otherwise told as `unattributed` and left alone.",
  mounts:
    "Root without a namespace mounts on the machine itself. Nothing is unmounted, and the scratch folder stays.",
  node: "Its parent is the Node process. Who kills or stops that has ended the supervisor; the next start sweeps.",
  scrubbed: "No group, no environment, no parent: nothing ties it to the task any more.",
  moving: "Each process is gone before the signal for it arrives.",
  leaderless: "A process whose main thread has ended is taken for a zombie.",
  locked: "An ordinary user's folders are not made accessible before they are removed.",
  traced:
    "A tracer keeps the dead process that should end it from being reaped. The report says `left: 1`. In a cgroup the tracer is killed with all others.",
} as const;
export type Reason = keyof typeof reasons;

export type Row = Readonly<Record<Way, Gone | MayStay>>;

const always: Row = { namespace: "gone", subreaper: "gone", group: "gone" };
const objects: Row = {
  namespace: "gone",
  subreaper: { why: "objects" },
  group: { why: "objects" },
};
const groupKeeps = (why: Reason): Row => ({ ...always, group: { why } });

export const promises: Readonly<Record<TrickName, Row>> = {
  "double-fork": always,
  "new-session": always,
  "new-group": always,
  "nested-subreaper": always,
  "ignores-signals": always,
  "stops-itself": always,
  "holds-output": always,
  "scrubs-environment": groupKeeps("scrubbed"),
  "fork-bomb": always,
  "moving-target": groupKeeps("moving"),
  "forks-when-killed": groupKeeps("moving"),
  "blocked-main": always,
  leaderless: groupKeeps("leaderless"),
  "leaves-daemon": always,
  "clone-parent": always,
  "clears-death-signal": always,
  zombies: always,
  "traces-sibling": always,
  "lowers-limits": always,
  "closes-descriptors": always,
  "changes-user": always,
  "own-namespaces": always,
  "kills-parent": groupKeeps("node"),
  "stops-parent": groupKeeps("node"),
  "limits-parent": groupKeeps("node"),
  "traces-parent": {
    namespace: "gone",
    subreaper: { why: "traced", onlyWithoutCgroup: true },
    group: { why: "node" },
  },
  "named-semaphore": objects,
  "shared-memory": objects,
  "sysv-objects": objects,
  "message-queue": objects,
  "locked-scratch": groupKeeps("locked"),
  "deep-scratch": always,
  "mounts-in-scratch": {
    namespace: "gone",
    subreaper: { why: "mounts", onlyRoot: true },
    group: { why: "mounts", onlyRoot: true },
  },
};
