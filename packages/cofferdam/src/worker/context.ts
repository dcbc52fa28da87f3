import { AsyncLocalStorage } from "node:async_hooks";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openCache, type WorkerCache } from "./cache.ts";
import { acquirePermit } from "./limit.ts";
import type { Permit, PermitOptions } from "./permit.ts";
import type { Ask, ServiceAnswer } from "./service.ts";

/**
 * What a worker's function can learn about the task it runs for, and say to its caller. Each part
 * stands by itself too: `const { cache, limit } = currentTask()`.
 */
export interface TaskContext {
  /** A number that no other task of this worker has. */
  readonly id: number;
  /** A private folder for this task; made when first asked for, removed when the task ends. */
  readonly scratch: string;
  /**
   * Aborted when the caller cancels the task. Who has asked for it is given the pool's `grace` to
   * end by itself, and the worker lives on; a task that has not is ended together with its worker.
   */
  readonly signal: AbortSignal;
  /** Hands a value to the caller's `onMessage` while the task runs. */
  readonly send: (value: unknown) => void;
  /** Tells the caller's `onProgress` how far the task is, from 0 to 1. */
  readonly progress: (fraction: number, note?: string) => void;
  /** Asks a service of the pool's own process; what it holds is free again when the task ends. */
  readonly call: (service: string, request: unknown) => Promise<unknown>;
  /**
   * Waits for a permit of the limiter that `scope.limiter(name, …)` has opened. It is given back by
   * `await using`, when the task ends, and when its worker dies. Rejects with `OVER_LIMIT`,
   * `QUEUE_FULL`, `CANCELLED`.
   */
  readonly limit: (name: string, options?: PermitOptions) => Promise<Permit>;
  /** The cache that `scope.cache(name, …)` has opened. */
  readonly cache: <Value = unknown>(name: string) => WorkerCache<Value>;
}

/** How a task reaches its caller. */
export interface TaskLink {
  abortable(id: number): void;
  send(id: number, value: unknown): void;
  progress(id: number, fraction: number, note: string | undefined): void;
  call(id: number, service: string, request: unknown): Promise<unknown>;
}

const storage = new AsyncLocalStorage<Task | undefined>();

/** The task that the calling code runs for. Throws outside of a worker's function. */
export function currentTask(): TaskContext {
  const context = storage.getStore();
  if (!context) throw new Error("currentTask() was called outside of a worker's task");
  return context;
}

/** `currentTask()` throws again. */
export function leaveTask(): void {
  storage.enterWith(undefined);
}

/** One task in its worker. */
export class Task implements TaskContext {
  readonly id: number;
  readonly #link: TaskLink;
  #scratch: string | undefined;
  #abort: AbortController | undefined;
  #cancelled = false;

  constructor(id: number, link: TaskLink) {
    this.id = id;
    this.#link = link;
  }

  /** From here on, and however deep inside, `currentTask()` gives this task; see `leaveTask`. */
  enter(): void {
    storage.enterWith(this);
  }

  get scratch(): string {
    if (this.#scratch === undefined) {
      const { tmpdir } = process.getBuiltinModule("node:os"); // loaded for few tasks
      this.#scratch = join(tmpdir(), `i${this.id}`);
      mkdirSync(this.#scratch, { mode: 0o700 });
    }
    return this.#scratch;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#cancelled) this.#abort.abort();
      else this.#link.abortable(this.id);
    }
    return this.#abort.signal;
  }

  get send(): TaskContext["send"] {
    return (value) => this.#link.send(this.id, value);
  }

  get progress(): TaskContext["progress"] {
    return (fraction, note) => this.#link.progress(this.id, fraction, note);
  }

  get call(): TaskContext["call"] {
    return (service, request) => this.#link.call(this.id, service, request);
  }

  get limit(): TaskContext["limit"] {
    return (name, options) => acquirePermit(this.#ask, name, options);
  }

  get cache(): TaskContext["cache"] {
    return (name) => openCache(this.#ask, name);
  }

  cancel(): void {
    this.#cancelled = true;
    this.#abort?.abort(new DOMException("the caller cancelled the task", "AbortError"));
  }

  /** Removes what belongs to the task alone. */
  end(): void {
    if (this.#scratch !== undefined)
      rmSync(this.#scratch, { recursive: true, force: true, maxRetries: 3 });
  }

  get #ask(): Ask {
    return async (service, request) =>
      (await this.#link.call(this.id, service, request)) as ServiceAnswer;
  }
}
