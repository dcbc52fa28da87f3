import { CofferdamError } from "../errors/index.ts";
import { parseTimeout, refuseAborted, type ScopeCore } from "../scope/index.ts";
import type { Duration } from "../units/index.ts";
import { checkSize, encodeValue } from "../worker/values.ts";
import { Job, type JobListener } from "./job.ts";
import { mapCalls, type MapOptions, type MapResult } from "./map.ts";
import { poolSettings, type PoolOptions, type PoolSettings } from "./options.ts";
import { Pace } from "./pace.ts";
import { Scheduler } from "./scheduler.ts";
import { workerKind, type WorkerSource } from "./worker-kind.ts";

export interface RunOptions {
  /** Deadline for the task, from its start. Default: the pool's. */
  readonly timeout?: Duration;
  /** Aborting it takes the task from the queue, or ends it (see `TaskContext.signal`). */
  readonly signal?: AbortSignal;
  /** Called when a worker takes the task up; again for each new attempt. */
  readonly onStart?: (attempt: number) => void;
  /** Receives what the task sends while it runs (`currentTask().send`). */
  readonly onMessage?: (value: unknown) => void;
  /** Receives how far the task is, from 0 to 1 (`currentTask().progress`). */
  readonly onProgress?: (fraction: number, note: string | undefined) => void;
}

/** The functions among a module's exports; `init` and `dispose` are the pool's own to call. */
export type Functions<Module> = {
  [
    Name in keyof Module as Module[Name] extends (...args: never[]) => unknown
      ? Exclude<Name, "init" | "dispose">
      : never
  ]: Module[Name];
};
export type Arguments<Called> = Called extends (...args: infer Args) => unknown ? Args : never;
export type Result<Called> = Called extends (...args: never[]) => infer Value
  ? Awaited<Value>
  : never;

/** Warm worker processes that run the functions of one module. */
export class Pool<Module> implements AsyncDisposable {
  readonly #settings: PoolSettings;
  readonly #scheduler: Scheduler;
  readonly #paces = new Map<string, Pace>();
  readonly #forget: () => void;
  #nextJob = 1;
  #closing: Promise<void> | undefined;

  constructor(scope: ScopeCore, source: WorkerSource, options: PoolOptions = {}) {
    this.#settings = poolSettings(options, scope.budget);
    const { threads, memoryBytes = 0, resources } = this.#settings;
    const shortfall = scope.budget?.shortfall({ cpus: threads, memoryBytes, resources });
    if (shortfall)
      throw new CofferdamError("INVALID_ARGUMENT", `a worker cannot start: ${shortfall}`);
    this.#scheduler = new Scheduler(scope, workerKind(source), this.#settings);
    this.#forget = scope.onClose(() => this.#end(false));
  }

  /** How many workers there may be. */
  get size(): number {
    return this.#scheduler.crew.size;
  }

  /** Changes how many workers there may be. Those above end when they have done what they have. */
  resize(workers: number): void {
    if (!Number.isSafeInteger(workers) || workers < 1)
      throw new CofferdamError(
        "INVALID_ARGUMENT",
        `workers must be a whole number above 0, not ${workers}`,
      );
    this.#scheduler.crew.resize(workers);
  }

  /**
   * Calls a function of the module in a worker. Rejects with a `PoolTaskError`, or with `CLOSED`,
   * `NOT_SERIALIZABLE` or `WORKER_START`.
   */
  run<Name extends keyof Functions<Module> & string>(
    name: Name,
    ...args: Arguments<Functions<Module>[Name]>
  ): Promise<Result<Functions<Module>[Name]>> {
    return this.runWith(noOptions, name, ...args);
  }

  /** `run`, with options for this one call. */
  runWith<Name extends keyof Functions<Module> & string>(
    options: RunOptions,
    name: Name,
    ...args: Arguments<Functions<Module>[Name]>
  ): Promise<Result<Functions<Module>[Name]>> {
    return new Promise((resolve, reject) => {
      this.#start(options, name, args, resolve as (value: unknown) => void, reject);
    });
  }

  /**
   * Calls a function for each input, as many at once as keep the workers busy, and gives results as
   * they come. Reads the source no faster than that. Leaving the loop cancels what was started.
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
    type Input = Arguments<Functions<Module>[Name]>[0];
    type Value = Result<Functions<Module>[Name]>;
    const pace = this.#pace(name);
    return mapCalls<Input, Value>(
      (input, succeed, fail) =>
        this.#start(options, name, [input], succeed as (value: unknown) => void, fail),
      inputs,
      () => this.#scheduler.appetite(pace.window),
      options,
    );
  }

  /** Finishes what was asked for, then ends the workers. Resolves when they are gone. */
  async close(): Promise<void> {
    if (!this.#closing) await this.#scheduler.idle();
    await this.#end(true);
  }

  /** Ends the workers at once; what they ran or was queued rejects with `CANCELLED`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end(false);
  }

  #end(gracefully: boolean): Promise<void> {
    return (this.#closing ??= this.#scheduler.close(gracefully).then(this.#forget));
  }

  /** Returns what cancels the call. */
  #start(
    options: RunOptions,
    name: string,
    args: readonly unknown[],
    succeed: (value: unknown) => void,
    fail: (error: unknown) => void,
  ): () => void {
    const scheduler = this.#scheduler;
    if (this.#closing) throw new CofferdamError("CLOSED", "the pool is closed");
    if (scheduler.broken) throw scheduler.broken;
    const { signal, timeout, onStart, onMessage, onProgress } = options;
    refuseAborted(signal);
    const { json, parts, plain } = encodeValue(args);
    const timeoutMs = timeout === undefined ? this.#settings.timeoutMs : parseTimeout(timeout);
    const settled = (): void => {
      signal?.removeEventListener("abort", cancel);
      scheduler.onSettled();
    };
    const listener: JobListener = {
      onStart: onStart && guarded(onStart),
      onMessage: onMessage && guarded(onMessage),
      onProgress: onProgress && guarded(onProgress),
      succeed(value) {
        settled();
        succeed(value);
      },
      fail(error) {
        settled();
        fail(error);
      },
    };
    const given = { text: JSON.stringify(json), parts, plain };
    checkSize(`the arguments of \`${name}\``, given.text, parts);
    const job = new Job(this.#nextJob++, name, given, timeoutMs, this.#pace(name), listener);
    const cancel = (): void => scheduler.cancel(job);
    signal?.addEventListener("abort", cancel, { once: true });
    scheduler.submit(job);
    return cancel;
  }

  #pace(name: string): Pace {
    let pace = this.#paces.get(name);
    if (!pace) this.#paces.set(name, (pace = new Pace()));
    return pace;
  }
}

const noOptions: RunOptions = {};

/** A caller's function that throws is the caller's uncaught error, and disturbs no worker. */
function guarded<Args extends unknown[]>(call: (...args: Args) => void): (...args: Args) => void {
  return (...args) => {
    try {
      call(...args);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}
