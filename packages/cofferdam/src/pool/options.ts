import { usableCpus, type Budget } from "../budget/index.ts";
import { CofferdamError } from "../errors/index.ts";
import type { IpcSharing } from "../keeper/index.ts";
import {
  checkCount,
  checkJobs,
  defaultGraceMs,
  parseMemory,
  parseTimeout,
  type Jobserver,
} from "../scope/index.ts";
import { parseDuration, type Duration, type Size } from "../units/index.ts";
import { encodeValue, type Encoded } from "../worker/values.ts";
import type { RetryCause } from "./job.ts";

export interface PoolOptions {
  /** Default: as many as the CPUs that may be used, divided by `threads`. */
  readonly workers?: number;
  /**
   * Threads that one worker computes with; libraries are told so by environment variables. When it
   * is given, the worker is also kept to so many CPUs, where there is a keeper. 0: it mostly waits (network, disk), and a
   * budget charges no CPU for it. Default: the CPUs divided among the workers.
   */
  readonly threads?: number;
  readonly jobserver?: Jobserver;
  /** Deadline for each task, from its start. None by default. */
  readonly timeout?: Duration;
  /** Bound for the memory of each worker's tree. None by default. */
  readonly memory?: Size;
  /** What each worker has of the budget's counted things, such as `{ gpu: 1 }`. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Between TERM and KILL, and what a cancelled task may take to end. Default 5 s. */
  readonly grace?: Duration;
  /**
   * How often a task is tried again, by what ended it: `crash` (its worker died; default 1),
   * `timeout`, `memory` and `error` (the function threw; default 0 each). Tasks of microseconds share
   * messages: when their worker dies, those whose results had not been told run again, each alone.
   * With `crash: 0` no worker's death makes a task run twice.
   */
  readonly retries?: Readonly<Partial<Record<RetryCause, number>>>;
  /** A worker is replaced after so many tasks. Never by default. */
  readonly tasksPerWorker?: number;
  /** A worker that is bigger than this (resident) after a task is replaced. Never by default. */
  readonly recycleAbove?: Size;
  /** An idle worker is ended after so long. Never by default. */
  readonly idleTimeout?: Duration;
  /**
   * How long a worker may take to load its module and run `init`. Default 5 min. Workers that
   * something outside kills meanwhile are replaced for as long, though for a minute at most.
   */
  readonly startTimeout?: Duration;
  /** Given to the module's `init`, once in each worker, before its first task. */
  readonly init?: unknown;
  /** Added to the workers' environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where workers' standard output and error go. `capture`: into error messages. */
  readonly output?: "capture" | "inherit";
  /**
   * With whom a worker shares SysV objects, message queues and `/dev/shm`: with nobody (`task`, the
   * default), with the tasks of the scope that say the same (`scope`), or with the host. `scope` needs
   * a namespace.
   */
  readonly ipc?: IpcSharing;
}

/** Checked and with all defaults. */
export interface PoolSettings {
  readonly workers: number;
  readonly threads: number;
  /** How many CPUs a worker is kept to; undefined: all. */
  readonly affinity: number | undefined;
  readonly jobserver: Jobserver | undefined;
  readonly timeoutMs: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly resources: Readonly<Record<string, number>>;
  readonly graceMs: number;
  readonly retries: Readonly<Record<RetryCause, number>>;
  readonly tasksPerWorker: number;
  readonly recycleAbove: number | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly startTimeoutMs: number;
  readonly init: Encoded;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly output: "capture" | "inherit";
  readonly ipc: IpcSharing;
}

const defaultStartTimeoutMs = 300_000;
const defaultRetries = { crash: 1, timeout: 0, memory: 0, error: 0 };

/** Throws `INVALID_ARGUMENT` or `NOT_SERIALIZABLE`. */
export function poolSettings(options: PoolOptions, budget: Budget | undefined): PoolSettings {
  const cpus = budget?.limits.cpus ?? usableCpus();
  const workers =
    options.workers === undefined
      ? Math.max(1, Math.floor(cpus / Math.max(1, options.threads ?? 1)))
      : checkCount(options.workers, "workers");
  const threads = options.threads ?? Math.max(1, Math.floor(cpus / workers));
  const settings: PoolSettings = {
    workers,
    threads: checkZeroOrMore(threads, "threads"),
    affinity: options.threads === undefined || options.threads === 0 ? undefined : threads,
    jobserver: options.jobserver,
    timeoutMs: options.timeout === undefined ? undefined : parseTimeout(options.timeout),
    memoryBytes: options.memory === undefined ? undefined : parseMemory(options.memory),
    resources: options.resources ?? {},
    graceMs: parseDuration(options.grace ?? defaultGraceMs),
    retries: { ...defaultRetries, ...retriesOf(options) },
    tasksPerWorker:
      options.tasksPerWorker === undefined
        ? Infinity
        : checkCount(options.tasksPerWorker, "tasksPerWorker"),
    recycleAbove:
      options.recycleAbove === undefined
        ? undefined
        : parseMemory(options.recycleAbove, "recycleAbove"),
    idleTimeoutMs:
      options.idleTimeout === undefined
        ? undefined
        : parseTimeout(options.idleTimeout, "idleTimeout"),
    startTimeoutMs: parseTimeout(options.startTimeout ?? defaultStartTimeoutMs, "startTimeout"),
    init: encodeValue(options.init),
    env: options.env ?? {},
    output: checkOneOf(options.output ?? "capture", ["capture", "inherit"], "output"),
    ipc: checkOneOf(options.ipc ?? "task", ["task", "scope", "host"], "ipc"),
  };
  if (typeof settings.jobserver === "number") checkJobs(settings.jobserver);
  for (const [cause, count] of Object.entries(settings.retries)) {
    checkOneOf(cause, Object.keys(defaultRetries), "what retries names");
    checkZeroOrMore(count, `retries.${cause}`);
  }
  for (const [name, count] of Object.entries(settings.resources))
    checkZeroOrMore(count, `resources.${name}`);
  if (!budget && Object.keys(settings.resources).length > 0)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      "resources are counted by the scope's budget, and this scope has none: openScope({ budget: { resources: { gpu: 1 } } })",
    );
  return settings;
}

function checkOneOf<Value extends string>(
  value: Value,
  known: readonly Value[],
  name: string,
): Value {
  if (known.includes(value)) return value;
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `${name} is ${JSON.stringify(value)}; it can be ${known.join(", ")}`,
  );
}

function retriesOf({ retries }: PoolOptions): PoolOptions["retries"] {
  if (retries === undefined || typeof (retries as unknown) === "object") return retries;
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `retries are told by what ended the task, such as { crash: 2 }, not ${JSON.stringify(retries)}`,
  );
}

function checkZeroOrMore(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `${name} must be a whole number, 0 or more, not ${value}`,
  );
}
