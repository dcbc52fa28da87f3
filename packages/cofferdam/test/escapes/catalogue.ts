/** The tricks by which processes get away, each a program in `tricks/`. */

export const ways = ["namespace", "subreaper", "group"] as const;
export type Way = (typeof ways)[number];

/** `stay`: it runs until its deadline. `exit`: the command exits with 0 and leaves something. */
export type Mode = "stay" | "exit";

export interface Trick {
  /** What it does, for people. */
  readonly title: string;
  readonly modes: readonly Mode[];
  /** It may take the Node process along: it gets one of its own. */
  readonly alone?: true;
  readonly onlyRoot?: true;
}

const both = ["stay", "exit"] as const;

export const catalogue = {
  "double-fork": { title: "double fork", modes: both },
  "new-session": { title: "`setsid`", modes: both },
  "new-group": { title: "`setpgid`", modes: both },
  "nested-subreaper": { title: "is a subreaper itself", modes: both },
  "ignores-signals": { title: "ignores every signal it can", modes: both },
  "stops-itself": { title: "stops itself (`SIGSTOP`)", modes: both },
  "holds-output": { title: "holds the output open after the command's end", modes: ["exit"] },
  "scrubs-environment": { title: "daemon without environment, under another name", modes: both },
  "fork-bomb": { title: "fork bomb (200 processes)", modes: both },
  "moving-target": { title: "forks and exits, again and again", modes: both },
  "forks-when-killed": { title: "replaces whoever is killed (200 lives)", modes: both },
  "blocked-main": { title: "detached thread, main blocks every signal", modes: both },
  leaderless: { title: "its main thread has ended, another works on", modes: both },
  "leaves-daemon": { title: "exits with 0, leaves a daemon", modes: ["exit"] },
  "clone-parent": { title: "a sibling as a child (`CLONE_PARENT`)", modes: both },
  "clears-death-signal": { title: "clears its parent-death signal", modes: both },
  zombies: { title: "never waits for its dead", modes: both },
  "traces-sibling": { title: "holds a sibling by `ptrace`", modes: both },
  "lowers-limits": { title: "lowers all its own limits", modes: both },
  "closes-descriptors": { title: "closes all descriptors", modes: both },
  "changes-user": { title: "changes its user (root only)", modes: both, onlyRoot: true },
  "own-namespaces": { title: "a PID namespace of its own", modes: both },
  "kills-parent": { title: "kills its parent", modes: both, alone: true },
  "stops-parent": { title: "stops its parent, always again", modes: ["stay"], alone: true },
  "limits-parent": { title: "lowers its parent's limits", modes: both, alone: true },
  "traces-parent": { title: "holds its parent by `ptrace`", modes: ["stay"], alone: true },
  "named-semaphore": { title: "named semaphore (`sem_open`)", modes: both },
  "shared-memory": { title: "shared memory (`shm_open`)", modes: both },
  "sysv-objects": { title: "System V objects", modes: both },
  "message-queue": { title: "POSIX message queue", modes: both },
  "locked-scratch": { title: "scratch folders that may not be changed", modes: both, alone: true },
  "deep-scratch": { title: "1,200 folders in one another in scratch", modes: both },
  "mounts-in-scratch": { title: "a file system mounted in scratch", modes: both, alone: true },
} as const satisfies Record<string, Trick>;

export type TrickName = keyof typeof catalogue;

export const tricks = Object.entries(catalogue) as [TrickName, Trick][];
