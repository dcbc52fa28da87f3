import { CofferdamError } from "../errors/index.ts";
import { abortedBefore, checkIpc, parseTimeout, type ScopeCore } from "../scope/index.ts";
import type { Duration } from "../units/index.ts";
import { checkSize, encodeArguments, partBytes, type EncodedText } from "../worker/values.ts";
import { Job, type Callee, type JobCaller, type JobListener } from "./job.ts";
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
  /** See `WorkerKind.texts`. */
  readonly #texts: boolean;
  readonly #callees = new Map<string, Callee>();
  readonly #forget: () => void;
  #nextJob = 1;
  #closing: Promise<void> | undefined;

  constructor(scope: ScopeCore, source: WorkerSource, options: PoolOptions = {}) {
    this.#settings = poolSettings(options, scope.budget);
    const { threads, memoryBytes = 0, resources, ipc } = this.#settings;
    if (ipc === "scope") checkIpc(ipc, scope);
    const shortfall = scope.budget?.shortfall({ cpus: threads, memoryBytes, resources });
    if (shortfall)
      throw new CofferdamError("INVALID_ARGUMENT", `a worker cannot start: ${shortfall}`);
    const kind = workerKind(source);
    this.#texts = kind.texts;
    this.#scheduler = new Scheduler(scope, kind, this.#settings);
    const end = (): Promise<void> => this.#end(false);
    const undo = scope.onClose(end);
    const onAbort = (): void => void end();
    scope.signal.addEventListener("abort", onAbort, { once: true });
    this.#forget = () => {
      undo();
      scope.signal.removeEventListener("abort", onAbort);
    };
    if (scope.signal.aborted) onAbort();
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
    return new Promise((resolve, reject) => {
      this.#start(undefined, name, args, { succeed: resolve as Succeed, fail: reject });
    });
  }

  /** `run`, with options for this one call. */
  runWith<Name extends keyof Functions<Module> & string>(
    options: RunOptions,
    name: Name,
    ...args: Arguments<Functions<Module>[Name]>
  ): Promise<Result<Functions<Module>[Name]>> {
    return new Promise((resolve, reject) => {
      this.#start(options, name, args, { succeed: resolve as Succeed, fail: reject });
    });
  }

  /**
   * Calls a function for each input, as many at once as keep the workers busy, and gives results as
   * they come. Reads the source no faster than that. Leaving the loop cancels what was started. Throws
   * what the source throws, and where no call can be made any more: `CLOSED`, `WORKER_START`, or
   * `CANCELLED` by the signal.
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
    const { pace } = this.#callee(name);
    return mapCalls<Input, Value>(
      (input, succeed, fail) => {
        const job = this.#start(options, name, [input], { succeed: succeed as Succeed, fail });
        return { bytes: sizeOf(job.args), cancel: () => this.#scheduler.cancel(job) };
      },
      inputs,
      (large) => this.#scheduler.appetite(large ? 1 : pace.window),
      () => this.#whyOver(options.signal),
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

  #start(
    options: RunOptions | undefined,
    name: string,
    args: readonly unknown[],
    caller: JobCaller,
  ): Job {
    const scheduler = this.#scheduler;
    const over = this.#whyOver(options?.signal);
    if (over) throw over;
    const { timeout } = options ?? {};
    const timeoutMs = timeout === undefined ? this.#settings.timeoutMs : parseTimeout(timeout);
    const callee = this.#callee(name);
    const given = encodeArguments(args, this.#texts);
    checkSize(`the arguments of \`${name}\``, given.text, given.parts);
    const listener = options && listen(options, () => scheduler.cancel(job));
    const job = new Job(scheduler, this.#nextJob++, callee, given, timeoutMs, caller, listener);
    scheduler.submit(job);
    return job;
  }

  /** Why no call can be made: the pool is closed or broken, or the caller has cancelled. */
  #whyOver(signal: AbortSignal | undefined): CofferdamError | undefined {
    if (this.#closing) return new CofferdamError("CLOSED", "the pool is closed");
    return this.#scheduler.broken ?? (signal?.aborted ? abortedBefore(signal) : undefined);
  }

  #callee(name: string): Callee {
    let callee = this.#callees.get(name);
    if (!callee) {
      if (typeof (name as unknown) !== "string")
        throw new CofferdamError(
          "INVALID_ARGUMENT",
          `the first argument is the name of a function of the module, not of type ${typeof name}`,
        );
      callee = { name, nameText: JSON.stringify(name), pace: new Pace() };
      this.#callees.set(name, callee);
    }
    return callee;
  }
}

function sizeOf({ text, parts }: EncodedText): number {
  return text.length + partBytes(parts);
}

type Succeed = (value: unknown) => void;

/** Hears the signal until the job is settled. */
function listen(options: RunOptions, cancel: () => void): JobListener | undefined {
  const { signal, onStart, onMessage, onProgress } = options;
  if (!signal && !onStart && !onMessage && !onProgress) return undefined;
  signal?.addEventListener("abort", cancel, { once: true });
  return {
    onStart: onStart && guarded(onStart),
    onMessage: onMessage && guarded(onMessage),
    onProgress: onProgress && guarded(onProgress),
    onSettled: () => signal?.removeEventListener("abort", cancel),
  };
}

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
