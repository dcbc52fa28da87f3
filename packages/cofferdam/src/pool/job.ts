import type { CofferdamError } from "../errors/index.ts";
import type { Pace } from "./pace.ts";
import type { PoolWorker } from "./pool-worker.ts";
import { cancelled } from "./task-error.ts";

/** What ends a worker, as far as trying again goes. `error`: the function threw. */
export type RetryCause = "crash" | "timeout" | "memory" | "error";

/** A task's arguments, as they were when the task was asked for. */
export interface JobArguments {
  /** JSON, encoded by `encodeValue`. */
  readonly text: string;
  /** Binary parts; not copied. */
  readonly parts: readonly Uint8Array[];
  readonly plain: boolean;
}

/** What the caller of a task wants to hear. */
export interface JobListener {
  readonly onStart: ((attempt: number) => void) | undefined;
  readonly onMessage: ((value: unknown) => void) | undefined;
  readonly onProgress: ((fraction: number, note: string | undefined) => void) | undefined;
  succeed(value: unknown): void;
  fail(error: CofferdamError): void;
}

/** One call of one function, from `run` until it is settled. */
export class Job {
  readonly id: number;
  readonly name: string;
  readonly args: JobArguments;
  readonly timeoutMs: number | undefined;
  readonly pace: Pace;
  readonly #listener: JobListener;
  attempts = 0;
  readonly failures: Record<RetryCause, number> = { crash: 0, timeout: 0, memory: 0, error: 0 };
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
    id: number,
    name: string,
    args: JobArguments,
    timeoutMs: number | undefined,
    pace: Pace,
    listener: JobListener,
  ) {
    this.id = id;
    this.name = name;
    this.args = args;
    this.timeoutMs = timeoutMs;
    this.pace = pace;
    this.#listener = listener;
  }

  /** It has begun to run. */
  start(): void {
    if (this.started) return;
    this.started = true;
    this.attempts++;
    this.#listener.onStart?.(this.attempts);
  }

  /** It is not with a worker any more, and did not end. */
  takeBack(): void {
    this.worker = undefined;
    this.started = this.abortable = false;
  }

  message(value: unknown): void {
    if (!this.settled) this.#listener.onMessage?.(value);
  }

  progress(fraction: number, note: string | undefined): void {
    if (!this.settled) this.#listener.onProgress?.(fraction, note);
  }

  /** A result that comes after the task was cancelled is nobody's any more. */
  succeed(value: unknown): void {
    if (this.settled) return;
    this.start();
    if (this.cancelled) {
      this.fail(cancelled("it was cancelled", this.attempts));
      return;
    }
    this.settled = true;
    this.#listener.succeed(value);
  }

  fail(error: CofferdamError): void {
    if (this.settled) return;
    this.settled = true;
    this.#listener.fail(error);
  }
}
