/**
 *    run() ─▶ queue ─▶ idle worker ──▶ result / error ─▶ the caller
 *               ▲           │
 *               │           └─ the worker ends first: its one task is told why,
 *               └───────────── or goes back to the queue's head (crash: counted; keeper lost: not)
 *
 * A worker runs one task at a time, so its death costs exactly that task.
 */
import { availableParallelism } from "node:os";
import { CofferdamError, errorMessage, type ErrorCode } from "../errors/index.ts";
import {
  defaultGraceMs,
  parseMemory,
  parseTimeout,
  refuseAborted,
  type ScopeCore,
} from "../scope/index.ts";
import { parseDuration, type Duration, type Size } from "../units/index.ts";
import type { RemoteError } from "../worker/messages.ts";
import { encodeValue, type Encoded } from "../worker/values.ts";
import { mapWithPool, type MapOptions, type MapResult } from "./map.ts";
import { NodeWorker, type TaskAnswer } from "./node-worker.ts";
import { PoolTaskError, remoteCode, tail, type WorkerBounds } from "./task-error.ts";

export interface PoolOptions {
  /** Default: the number of CPUs this process may use. */
  readonly workers?: number;
  /** Deadline for each task, from its start. None by default. */
  readonly timeout?: Duration;
  /** Bound for the memory of each worker's tree. None by default. */
  readonly memory?: Size;
  /** Between TERM and KILL. Default 5 s. */
  readonly grace?: Duration;
  /** How often a task whose worker crashed is tried again. Default 1: two workers, no more. */
  readonly crashRetries?: number;
  /** A worker is replaced after so many tasks. Never by default. */
  readonly tasksPerWorker?: number;
  /** Added to the workers' environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where workers' standard output and error go. `capture`: into error messages. */
  readonly output?: "capture" | "inherit";
}

export interface RunOptions {
  readonly timeout?: Duration;
  /** Aborting it takes the task from the queue, or ends its worker. */
  readonly signal?: AbortSignal;
  /** Called when a worker takes the task up; again for each new attempt. */
  readonly onStart?: (attempt: number) => void;
}

/** The functions among a module's exports. */
export type Functions<Module> = {
  [
    Name in keyof Module as Module[Name] extends (...args: never[]) => unknown ? Name : never
  ]: Module[Name];
};
export type Arguments<Called> = Called extends (...args: infer Args) => unknown ? Args : never;
export type Result<Called> = Called extends (...args: never[]) => infer Value
  ? Awaited<Value>
  : never;

interface Job {
  readonly id: number;
  readonly name: string;
  readonly args: Encoded;
  readonly timeoutMs: number | undefined;
  readonly onStart: ((attempt: number) => void) | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  attempts: number;
  crashes: number;
  losses: number;
  cancelled: boolean;
  worker: NodeWorker | undefined;
}

/** A task outlives so many keepers; more is no accident. */
const lossesMax = 10;
const startFailuresMax = 3;

/** Warm worker processes that run the functions of one module. */
export class Pool<Module> implements AsyncDisposable {
  readonly #scope: ScopeCore;
  readonly #module: string;
  readonly #options: PoolOptions;
  readonly #size: number;
  readonly #graceMs: number;
  readonly #memoryBytes: number | undefined;
  readonly #defaultTimeoutMs: number | undefined;
  readonly #queue: Job[] = [];
  readonly #idle: NodeWorker[] = [];
  readonly #workers = new Set<NodeWorker>();
  readonly #starts = new Set<Promise<void>>();
  readonly #forget: () => void;
  #starting = 0;
  #startFailures = 0;
  #busy = 0;
  #nextJob = 1;
  #broken: CofferdamError | undefined;
  #closing: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(scope: ScopeCore, module: URL, options: PoolOptions = {}) {
    this.#scope = scope;
    this.#module = module.href;
    this.#options = options;
    this.#size = options.workers ?? availableParallelism();
    if (!Number.isSafeInteger(this.#size) || this.#size < 1)
      throw new CofferdamError(
        "INVALID_ARGUMENT",
        `workers must be a whole number above 0, not ${this.#size}`,
      );
    this.#graceMs = parseDuration(options.grace ?? defaultGraceMs);
    this.#memoryBytes = options.memory === undefined ? undefined : parseMemory(options.memory);
    this.#defaultTimeoutMs =
      options.timeout === undefined ? undefined : parseTimeout(options.timeout);
    this.#forget = scope.onClose(() => this.#end());
  }

  /** How many workers there may be. */
  get size(): number {
    return this.#size;
  }

  /** Calls a function of the module in a worker. Rejects with a `PoolTaskError`. */
  run<Name extends keyof Functions<Module> & string>(
    name: Name,
    ...args: Arguments<Functions<Module>[Name]>
  ): Promise<Result<Functions<Module>[Name]>> {
    return this.runWith({}, name, ...args);
  }

  /** `run`, with options for this one call. */
  async runWith<Name extends keyof Functions<Module> & string>(
    options: RunOptions,
    name: Name,
    ...args: Arguments<Functions<Module>[Name]>
  ): Promise<Result<Functions<Module>[Name]>> {
    if (this.#closing) throw new CofferdamError("CLOSED", "the pool is closed");
    if (this.#broken) throw this.#broken;
    refuseAborted(options.signal);
    const encoded = encodeValue(args);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timeout =
      options.timeout === undefined ? this.#defaultTimeoutMs : parseTimeout(options.timeout);
    const job: Job = {
      id: this.#nextJob++,
      name,
      args: encoded,
      timeoutMs: timeout,
      onStart: options.onStart,
      resolve,
      reject,
      attempts: 0,
      crashes: 0,
      losses: 0,
      cancelled: false,
      worker: undefined,
    };
    const onAbort = (): void => this.#cancel(job);
    options.signal?.addEventListener("abort", onAbort, { once: true });
    this.#queue.push(job);
    this.#dispatch();
    try {
      return (await promise) as Result<Functions<Module>[Name]>;
    } finally {
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  /**
   * Calls a function for each input, never more at once than there are workers (plus a few ahead),
   * and gives results as they come. Reads the source no faster than that.
   */
  map<Name extends keyof Functions<Module> & string>(
    name: Name,
    inputs:
      | Iterable<Arguments<Functions<Module>[Name]>[0]>
      | AsyncIterable<Arguments<Functions<Module>[Name]>[0]>,
    options: MapOptions & RunOptions = {},
  ): AsyncGenerator<
    MapResult<Arguments<Functions<Module>[Name]>[0], Result<Functions<Module>[Name]>>
  > {
    const call = (
      input: Arguments<Functions<Module>[Name]>[0],
    ): Promise<Result<Functions<Module>[Name]>> =>
      this.runWith(options, name, ...([input] as unknown as Arguments<Functions<Module>[Name]>));
    return mapWithPool(call, inputs, this.#size, options);
  }

  /** Finishes what was asked for, then ends the workers. Resolves when they are gone. */
  async close(): Promise<void> {
    if (!this.#closing && (this.#busy > 0 || this.#queue.length > 0)) {
      await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    }
    await this.#end();
  }

  /** Ends the workers at once; what they ran or was queued rejects with `CANCELLED`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  #end(): Promise<void> {
    return (this.#closing ??= this.#endAll());
  }

  async #endAll(): Promise<void> {
    for (const job of this.#queue.splice(0)) job.reject(cancelled(job, "the pool was closed"));
    // Idle ones have nothing to finish: at once is as clean as slowly, and faster.
    for (const worker of this.#workers) worker.stop(0);
    await Promise.all(this.#starts);
    for (const worker of this.#workers) worker.stop(0);
    await Promise.all(Array.from(this.#workers, (worker) => worker.ended));
    this.#forget();
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop();
      if (!worker) break;
      const job = this.#queue.shift();
      if (job) this.#assign(job, worker);
    }
    const wanted = Math.min(this.#queue.length, this.#size - this.#workers.size);
    while (!this.#closing && !this.#broken && this.#starting < wanted) this.#startWorker();
    if (this.#busy === 0 && this.#queue.length === 0) this.#whenIdle?.();
  }

  #startWorker(): void {
    this.#starting++;
    const start = this.#bringUp().finally(() => {
      this.#starting--;
      this.#starts.delete(start);
      this.#dispatch();
    });
    this.#starts.add(start);
  }

  /** Starts a worker and waits until it can work. Never rejects. */
  async #bringUp(): Promise<void> {
    let worker: NodeWorker;
    try {
      worker = await NodeWorker.start(this.#scope, {
        module: this.#module,
        env: this.#options.env ?? {},
        memoryBytes: this.#memoryBytes,
        graceMs: this.#graceMs,
        output: this.#options.output ?? "capture",
      });
    } catch (error) {
      this.#startFailed(`a worker could not be started: ${errorMessage(error)}`, true);
      return;
    }
    this.#workers.add(worker);
    void worker.ended.then(() => this.#onWorkerEnd(worker));
    const first = await Promise.race([
      worker.loaded.then((problem) => ({ problem })),
      worker.ended.then((end) => ({ end })),
    ]);
    if ("end" in first) {
      if (this.#closing || first.end.cause === "keeper-lost") return;
      const why = worker.explain(first.end, this.#bounds(undefined));
      // Killed from outside is bad luck; anything else will happen again.
      this.#startFailed(`a worker did not start: ${why.message}`, first.end.cause === "memory");
    } else if (first.problem) {
      worker.stop(0);
      this.#startFailed(loadProblem(this.#module, first.problem, worker.log), true);
    } else {
      this.#startFailures = 0;
      this.#idle.push(worker);
    }
  }

  #startFailed(message: string, final: boolean): void {
    if (this.#closing || (!final && ++this.#startFailures < startFailuresMax)) return;
    this.#broken = new CofferdamError("WORKER_START", message);
    for (const job of this.#queue.splice(0)) job.reject(this.#broken);
  }

  #assign(job: Job, worker: NodeWorker): void {
    job.attempts++;
    job.worker = worker;
    this.#busy++;
    job.onStart?.(job.attempts);
    let settled = false;
    const done = (): boolean => {
      if (settled) return false;
      settled = true;
      this.#busy--;
      job.worker = undefined;
      return true;
    };
    worker.run(job.id, job.name, job.args, job.timeoutMs, (answer) => {
      if (!done()) return;
      this.#settle(job, answer);
      this.#release(worker);
    });
    void worker.ended.then((end) => {
      if (!done()) return;
      this.#onTaskLost(job, worker.explain(end, this.#bounds(job.timeoutMs)));
      this.#dispatch();
    });
  }

  #bounds(timeoutMs: number | undefined): WorkerBounds {
    return { timeoutMs, memoryBytes: this.#memoryBytes };
  }

  #settle(job: Job, answer: TaskAnswer): void {
    if (answer.ok) {
      job.resolve(answer.value);
      return;
    }
    const { error } = answer;
    job.reject(new PoolTaskError(remoteCode(error), error.message, job.attempts, error));
  }

  /** The worker died with this task: again, or the end of it. */
  #onTaskLost(job: Job, why: { code: ErrorCode; message: string }): void {
    if (job.cancelled || this.#closing) {
      job.reject(cancelled(job, this.#closing ? "the pool was closed" : "it was cancelled"));
      return;
    }
    const again =
      (why.code === "CRASH" && ++job.crashes <= (this.#options.crashRetries ?? 1)) ||
      (why.code === "KEEPER_LOST" && ++job.losses <= lossesMax);
    if (again) this.#queue.unshift(job);
    else job.reject(new PoolTaskError(why.code, why.message, job.attempts));
  }

  #release(worker: NodeWorker): void {
    const limit = this.#options.tasksPerWorker;
    if (limit !== undefined && worker.tasksStarted >= limit) {
      this.#workers.delete(worker); // makes room for its successor at once
      worker.stop(0);
      this.#starts.add(this.#untilGone(worker));
    } else if (this.#workers.has(worker)) {
      this.#idle.push(worker);
    }
    this.#dispatch();
  }

  /** A retired worker is still waited for when the pool closes. */
  #untilGone(worker: NodeWorker): Promise<void> {
    const gone: Promise<void> = worker.ended.then(() => void this.#starts.delete(gone));
    return gone;
  }

  #onWorkerEnd(worker: NodeWorker): void {
    this.#workers.delete(worker);
    const index = this.#idle.indexOf(worker);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#dispatch();
  }

  #cancel(job: Job): void {
    job.cancelled = true;
    const index = this.#queue.indexOf(job);
    if (index >= 0) {
      this.#queue.splice(index, 1);
      job.reject(cancelled(job, "it was cancelled before it started"));
      this.#dispatch();
    } else {
      job.worker?.stop(this.#graceMs);
    }
  }
}

function cancelled(job: Job, why: string): PoolTaskError {
  return new PoolTaskError("CANCELLED", why, job.attempts);
}

function loadProblem(module: string, problem: RemoteError, log: string): string {
  return `a worker could not load ${module}: ${problem.message}${tail(log)}`;
}
