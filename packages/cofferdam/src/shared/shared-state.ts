import { join } from "node:path";
import { CofferdamError } from "../errors/index.ts";
import type { ScopeCore, WorkerService } from "../scope/index.ts";
import { CacheService } from "./cache/cache-service.ts";
import { Cache, type CacheOptions } from "./cache/cache.ts";
import { parseBounds, type Bounds, type LimiterOptions } from "./limiter/bounds.ts";
import { LimitService } from "./limiter/limit-service.ts";
import { Limiter } from "./limiter/limiter.ts";
import { MemoryLedger, type Ledger } from "./limiter/ledger.ts";
import { limitersDirectory, SharedLedger } from "./limiter/shared-ledger.ts";
import { Named } from "./named.ts";

/**
 * Nothing yet, for the workers of this scope to share. Closed with the scope. Throws `CLOSED` when
 * that is closed already.
 */
export function shareState(scope: ScopeCore): SharedState {
  const state = new SharedState(scope);
  scope.onClose(() => {
    state.close();
    return Promise.resolve();
  });
  return state;
}

/** What the workers of one scope share, by name. */
export class SharedState {
  /** Gives the limiters to workers. */
  readonly limits: WorkerService;
  /** Gives the caches to workers. */
  readonly caches: WorkerService;
  readonly #scope: ScopeCore;
  readonly #limiters = new Named<Limiter>("limiter");
  readonly #caches = new Named<Cache>("cache");
  /** Workers ask for a cache's version once: a name keeps it. */
  readonly #versions = new Map<string, string>();

  constructor(scope: ScopeCore) {
    this.#scope = scope;
    this.limits = new LimitService((name) => this.#limiters.find(name));
    this.caches = new CacheService((name) => this.#caches.find(name));
  }

  close(): void {
    this.#limiters.close();
    this.#caches.close();
  }

  openLimiter(name: string, options: LimiterOptions): Limiter {
    return this.#limiters.open(name, (onClosed) => {
      const bounds = parseBounds(options);
      return new Limiter(name, bounds, openLedger(name, bounds, options), onClosed);
    });
  }

  openCache<Value>(name: string, options: CacheOptions): Cache<Value> {
    const notice = (message: string): void =>
      this.#scope.emit({ type: "notice", level: "warning", message });
    return this.#caches.open(name, (onClosed) => {
      this.#checkVersion(name, options.version ?? "");
      const cache = new Cache<Value>(name, options, notice, onClosed);
      this.#versions.set(name, cache.version);
      return cache;
    });
  }

  #checkVersion(name: string, version: string): void {
    const known = this.#versions.get(name);
    if (known === undefined || known === version) return;
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the scope had a cache ${name} of the version ${JSON.stringify(known)}, which its workers remember: open the version ${JSON.stringify(version)} under another name`,
    );
  }
}

function openLedger(name: string, bounds: Bounds, { shared }: LimiterOptions): Ledger {
  if (shared === undefined || shared === false) return new MemoryLedger(bounds);
  return new SharedLedger(shared === true ? join(limitersDirectory(), name) : shared, bounds);
}
