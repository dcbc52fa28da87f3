import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import type { TreeContainment } from "../events/index.ts";

/** With whom a task shares SysV objects, message queues and `/dev/shm`. */
export type IpcSharing = "task" | "scope" | "host";

/** What can be guaranteed here. Found by trying it, never inferred from a version. */
export interface Containment {
  readonly tree: TreeContainment;
  /**
   * Whose SysV objects, message queues and `/dev/shm` are: `task`: each task's own, and they vanish
   * with it; `scope`: those of all tasks of the scope that share theirs, and they vanish with it.
   */
  readonly ipc: IpcSharing;
  /** `task`: `/proc` shows the task its own processes only. */
  readonly proc: "task" | "host";
  /** How a memory bound is held: `hard` by the kernel; `polled` can be overshot for milliseconds. */
  readonly memory: "hard" | "polled" | "none";
  /** `hard`: a bound on `pids` can be had. A bound on `processes` is polled everywhere. */
  readonly pids: "hard" | "polled" | "none";
  /** `task`: a task can have a cgroup of its own, which the kernel kills as a whole. */
  readonly cgroup: "task" | "none";
}

/** `null`: `/dev/null`. `pipe`: a stream here. `inherit`: this process's own. */
export type StdioMode = "null" | "pipe" | "inherit";

/** `nonblocking`: the command's reads and writes fail with EAGAIN where they would have to wait. */
export type ChannelMode = "blocking" | "nonblocking";

export interface ProcessSpec {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdio: readonly [StdioMode, StdioMode, StdioMode];
  /** Deadline from the start; it fires although this process's event loop is blocked. */
  readonly timeoutMs?: number;
  /** Between TERM and KILL when the deadline fires. */
  readonly graceMs: number;
  /** Bound for the memory of the whole tree. */
  readonly memoryBytes?: number;
  /** Bound for the number of processes in the tree. */
  readonly processesMax?: number;
  /** Bound for processes and threads in the tree, held by the kernel. Needs `pids` hard. */
  readonly pids?: number;
  /** Puts the tree into a cgroup also where its namespace holds it already. Needs `cgroup`. */
  readonly cgroup?: boolean;
  /** How many CPUs the tree may run on. */
  readonly cpus?: number;
  /** Bound for open files, of each process. */
  readonly openFiles?: number;
  /** Bound for the size of core files. */
  readonly coreBytes?: number;
  /** Takes the network away, but for loopback. */
  readonly noNetwork?: boolean;
  /**
   * `host`: shares SysV objects and `/dev/shm` with the host. `hold`: nothing is run; others
   * join it, by its `pid`. Default: its own.
   */
  readonly ipc?: "host" | "hold" | { readonly join: number };
  /** How many jobs its makes may run at once, all together: a jobserver. Needs a keeper. */
  readonly jobs?: number;
  /** Which socket to this process the command has as descriptor 3. Without a keeper it may block. */
  readonly channel: ChannelMode | false;
}

/** A process by its id and its program's name, which comes from outside: escape it. */
export interface NamedProcess {
  readonly pid: number;
  readonly name: string;
}

/** Kinds of objects that are the machine's where a task has none of its own. */
export const objectKinds = ["semaphore", "shared-memory", "message-queue", "sysv"] as const;
export type ObjectKind = (typeof objectKinds)[number];

/** An object or process that was still there when the command had ended and settled. */
export interface Leak {
  readonly kind: "process" | ObjectKind | "scratch";
  readonly name: string;
  readonly pid?: number;
  readonly parentPid?: number;
  /** Who started it: its parent, that one's parent, and so on up to the task's command. */
  readonly parents?: readonly NamedProcess[];
  /** One of those between ended unseen: the list has a gap before its last, the command. */
  readonly orphaned?: boolean;
  readonly ageMs?: number;
  /** Resident memory of a process. */
  readonly memoryBytes?: number;
  /** Size of an object. */
  readonly sizeBytes?: number;
  /** By what it is known to be the task's, such as `namespace` or `own-child`. */
  readonly how: string;
  /** What was done about it. */
  readonly action: "killed" | "removed" | "left";
}

/** A process that was killed and does not die. */
export interface StuckProcess extends NamedProcess {
  /** As `/proc/<pid>/stat` has it: `D` is uninterruptible sleep. */
  readonly state: string;
}

/** A figure, and how surely it is known. */
export interface Measured {
  readonly value: number;
  readonly method: "exact" | "sampled" | "lower-bound";
}

export type EndCause =
  | "own" // the command ended by itself
  | "timeout"
  | "memory"
  | "processes"
  | "stopped" // `stop()` was called
  | "stuck" // it was killed, and the kernel does not let it die
  | "killed" // somebody else killed the supervising init
  | "keeper-lost";

/** How a contained process tree ended. All its processes are gone, unless `left` says otherwise. */
export interface ProcessEnd {
  readonly cause: EndCause;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Set when the command never started: the step, and the system's error code. */
  readonly startFailure?: { readonly stage: string; readonly code: string };
  /** CPU time of all processes that were waited for; a lower bound. */
  readonly cpuMs: { readonly user: number; readonly system: number } | null;
  readonly peakMemoryBytes: Measured;
  readonly started: Measured;
  readonly killed: number;
  readonly left: number;
  readonly leaks: readonly Leak[];
  /** What appeared meanwhile among the machine's objects and is not proved to be the task's. */
  readonly unattributed: readonly Leak[];
  /**
   * Where objects are the machine's: kinds that could not be looked at. What the task left of them
   * is not known.
   */
  readonly unseen: readonly ObjectKind[];
  readonly stuck: readonly StuckProcess[];
}

/** A command in its containment. */
export interface ContainedProcess {
  /** Process id on the host of what holds the tree together; killing it ends the tree. */
  readonly pid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** The socket whose other end is the command's descriptor 3. Null unless asked for. */
  readonly channel: Socket | null;
  /**
   * Descriptor of a file in memory that the command has as its descriptor 4, where a channel was
   * asked for and there can be one. Whoever gets it closes it; it goes with its last holder.
   */
  readonly bulkFile: number | null;
  /** Private folder, removed at the end. Its path is at most about 40 bytes. */
  readonly scratch: string;
  /** Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Ends the tree: TERM, `graceMs` later KILL. Returns at once; wait for `ended`. */
  stop(graceMs: number): void;
  /** Sets the deadline anew, that many ms from now; null takes it away. */
  setDeadline(ms: number | null): void;
  /** Hands a signal to the command's process group. */
  signal(signal: NodeJS.Signals): void;
  /** The command was stopped from the terminal (Ctrl-Z); `resume` lets it go on. */
  onStopped(listener: () => void): void;
  resume(): void;
  /** It does not keep this process running any more. */
  unref(): void;
}

export interface BackendEvents {
  memorySampled(bytes: number): void;
  keeperStarted(pid: number): void;
  keeperLost(pid: number): void;
  notice(level: "info" | "warning", message: string): void;
}

/** A way to contain. One per process, shared by its scopes. */
export interface Backend {
  readonly containment: Containment;
  /** Why nothing stronger could be had; empty when nothing is missing. */
  readonly shortfall: string;
  /** Processes that the backend itself needs: the keepers so far. */
  readonly ownProcesses: number;
  /** Rejects with `SPAWN` or `KEEPER_START` when nothing was started. */
  start(spec: ProcessSpec): Promise<ContainedProcess>;
  /** Receives events until the returned function is called. */
  listen(listener: Partial<BackendEvents>): () => void;
  /** Ends what still runs and resolves when it is gone, with the number of processes left. */
  close(): Promise<number>;
}
