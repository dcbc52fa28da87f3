import { Pool, type PoolOptions, type WorkerSource } from "./pool/index.ts";
import { ScopeCore } from "./scope/index.ts";
import { execIn } from "./scope/exec.ts";
import type { ExecOptions, ScopeOptions, ScopeReport, TaskResult } from "./scope/index.ts";
import type { Containment } from "./keeper/index.ts";
import { shareState, type Cache, type CacheOptions, type SharedState } from "./shared/index.ts";
import type { Limiter, LimiterOptions } from "./shared/index.ts";

/**
 * Opens a scope: a lifetime for processes. Everything that is started in it is gone, and known to
 * be gone, when it has closed. One that is open when the program has nothing left to do is closed
 * then.
 *
 * Rejects with `CONTAINMENT_UNAVAILABLE`, `KEEPER_START` or `UNSUPPORTED_PLATFORM`.
 */
export async function openScope(options: ScopeOptions = {}): Promise<Scope> {
  return new Scope(await ScopeCore.open(options));
}

/** See `openScope`. */
export class Scope implements AsyncDisposable {
  readonly #core: ScopeCore;
  #sharedState: SharedState | undefined;

  constructor(core: ScopeCore) {
    this.#core = core;
    core.services.set("limit", () => this.#shared.limits);
    core.services.set("cache", () => this.#shared.caches);
  }

  /** Of no use, and not loaded, before something is shared. Throws `CLOSED` once the scope is. */
  get #shared(): SharedState {
    return (this.#sharedState ??= shareState(this.#core));
  }

  /** What can be guaranteed here. */
  get containment(): Containment {
    return this.#core.containment;
  }

  /** Why nothing stronger could be had; empty when nothing is missing. */
  get shortfall(): string {
    return this.#core.shortfall;
  }

  /**
   * Runs a command (no shell) and resolves when its whole process tree is gone. Rejects with a
   * `TaskError`, which has all that a result has, unless the command ended with exit code 0.
   */
  exec(command: readonly string[], options: ExecOptions = {}): Promise<TaskResult> {
    return execIn(this.#core, command, options);
  }

  /** Warm workers for the functions of a module: `scope.pool<typeof import("./work.ts")>(url)`. */
  pool<Module>(source: WorkerSource, options: PoolOptions = {}): Pool<Module> {
    return new Pool<Module>(this.#core, source, options);
  }

  /**
   * A rate limit and a bound of concurrency, shared by this process and by all workers of the scope
   * (`currentTask().limit(name)`): `scope.limiter("gemini", { requests: "3000/min", concurrency: 6 })`.
   * Throws `INVALID_ARGUMENT`, `CLOSED`, and `LIMITER_UNUSABLE` where processes share it.
   */
  limiter(name: string, options: LimiterOptions): Limiter {
    return this.#shared.openLimiter(name, options);
  }

  /**
   * Values by all that shapes them, in a file that workers (`currentTask().cache(name)`) and other
   * processes share: `scope.cache<Float32Array>("vectors", { version: model, maxBytes: "2 GB" })`.
   * Throws `INVALID_ARGUMENT`, `CACHE_UNUSABLE` and `CLOSED`.
   */
  cache<Value = unknown>(name: string, options: CacheOptions = {}): Cache<Value> {
    return this.#shared.openCache<Value>(name, options);
  }

  /** What has happened so far; final once the scope is closed. */
  report(): ScopeReport {
    return this.#core.report();
  }

  /** Ends everything in the scope and resolves, with the report, when it is gone. */
  close(): Promise<ScopeReport> {
    return this.#core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#core.close();
  }
}
