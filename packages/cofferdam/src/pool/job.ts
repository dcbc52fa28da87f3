import type { CofferdamError } from "../errors/index.ts";
import { partBytes, type EncodedText } from "../worker/values.ts";
import type { Pace } from "./pace.ts";
import type { PoolWorker } from "./pool-worker.ts";
import { cancelled } from "./task-error.ts";

/** What ends a worker, as far as trying again goes. `error`: the function threw. */
export type RetryCause = "crash" | "timeout" | "memory" | "error";

/** A function of the pool's module. */
export interface Callee {
  readonly name: string;
  /** The name as JSON. */
  readonly nameText: string;
  readonly pace: Pace;
}

/** What the caller of a task may want to hear while it runs. */
export interface JobListener {
  readonly onStart: ((attempt: number) => void) | undefined;
  readonly onMessage: ((value: unknown) => void) | undefined;
  readonly onProgress: ((fraction: number, note: string | undefined) => void) | undefined;
  /** It is settled: nothing more will be told. */
  onSettled(): void;
}

/** Who keeps count of jobs. */
export interface JobOwner {
  onSettled(): void;
}

/** How a job's caller is told what became of it. One of the two is called, once. */
export interface JobCaller {
  readonly succeed: (value: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** A call with more binary data is sent to a worker that has nothing else. */
const largeBytes = 256 * 1024;

/** One call of one function, from `run` until it is settled. There may be millions: few fields. */
export class Job {
  readonly id: number;
  readonly callee: Callee;
  /** As they were when the task was asked for; `parts` are not copied. */
  readonly args: EncodedText;
  readonly timeoutMs: number | undefined;
  readonly #owner: JobOwner;
  readonly #caller: JobCaller;
  readonly #listener: JobListener | undefined;
  attempts = 0;
  /** How often each cause has ended it; none before the first. */
  failures: Record<RetryCause, number> | undefined;
  /** How often the keeper died under it: no fault of the task. */
  losses = 0;
  /** It may have killed a worker: it runs with no other task beside it, so that one knows. */
  suspect = false;
  cancelled = false;
  settled = false;
  worker: PoolWorker | undefined;
  /** Told to the worker as one whose result comes before the next task starts. */
  each = true;
  started = false;
  abortable = false;
  // The queue's links.
  before: Job | undefined;
  after: Job | undefined;
  queued = false;

  constructor(
    owner: JobOwner,
    id: number,
    callee: Callee,
    args: EncodedText,
    timeoutMs: number | undefined,
    caller: JobCaller,
    listener: JobListener | undefined,
  ) {
    this.#owner = owner;
    this.id = id;
    this.callee = callee;
    this.args = args;
    this.timeoutMs = timeoutMs;
    this.#caller = caller;
    this.#listener = listener;
  }

  /**
   * Handing it over costs more than a worker that waits for it meanwhile: what is sent ahead is held
   * twice, and no memory is used again while it is warm.
   */
  get large(): boolean {
    return partBytes(this.args.parts) > largeBytes;
  }

  /** It has begun to run. */
  start(): void {
    if (this.started || this.settled) return;
    this.started = true;
    this.attempts++;
    this.#listener?.onStart?.(this.attempts);
  }

  /** It is not with a worker any more, and did not end. */
  takeBack(): void {
    this.worker = undefined;
    this.started = this.abortable = false;
  }

  /** How often this cause has ended it, this time included. */
  countFailure(cause: RetryCause): number {
    this.failures ??= { crash: 0, timeout: 0, memory: 0, error: 0 };
    return ++this.failures[cause];
  }

  /** How many workers it has killed. */
  get killed(): number {
    return this.failures ? this.failures.crash + this.failures.memory : 0;
  }

  message(value: unknown): void {
    if (this.settled) return;
    this.start();
    this.#listener?.onMessage?.(value);
  }

  progress(fraction: number, note: string | undefined): void {
    if (this.settled) return;
    this.start();
    this.#listener?.onProgress?.(fraction, note);
  }

  /** A result that comes after the task was cancelled is nobody's any more. */
  succeed(value: unknown): void {
    if (this.settled) return;
    this.start();
    if (this.cancelled) {
      this.fail(cancelled("it was cancelled", this.attempts));
      return;
    }
    this.#settle();
    this.#caller.succeed(value);
  }

  fail(error: CofferdamError): void {
    if (this.settled) return;
    this.#settle();
    this.#caller.fail(error);
  }

  #settle(): void {
    this.settled = true;
    this.#listener?.onSettled();
    this.#owner.onSettled();
  }
}
