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

/** Nothing yet, for the workers of this scope to share. */
export function shareState(scope: ScopeCore): SharedState {
  return new SharedState(scope);
}

/** What the workers of one scope share, by name. */
export class SharedState {
  /** Gives the limiters to workers. */
  readonly limits: WorkerService;
  /** Gives the caches to workers. */
  readonly caches: WorkerService;
  readonly #scope: ScopeCore;
  readonly #limiters = new Map<string, Limiter>();
  readonly #caches = new Map<string, Cache>();

  constructor(scope: ScopeCore) {
    this.#scope = scope;
    this.limits = new LimitService((name) => find(this.#limiters, name, "limiter"));
    this.caches = new CacheService((name) => find(this.#caches, name, "cache"));
  }

  close(): void {
    for (const limiter of this.#limiters.values()) limiter.close();
    for (const cache of this.#caches.values()) cache.close();
  }

  openLimiter(name: string, options: LimiterOptions): Limiter {
    checkName(name, this.#limiters, "limiter");
    const bounds = parseBounds(options);
    const limiter = new Limiter(name, bounds, openLedger(name, bounds, options));
    this.#limiters.set(name, limiter);
    return limiter;
  }

  openCache<Value>(name: string, options: CacheOptions): Cache<Value> {
    checkName(name, this.#caches, "cache");
    const cache = new Cache<Value>(name, options, (message) =>
      this.#scope.emit({ type: "notice", level: "warning", message }),
    );
    this.#caches.set(name, cache);
    return cache;
  }
}

function openLedger(name: string, bounds: Bounds, { shared }: LimiterOptions): Ledger {
  if (shared === undefined || shared === false) return new MemoryLedger(bounds);
  return new SharedLedger(shared === true ? join(limitersDirectory(), name) : shared, bounds);
}

/** Names are files' names too. */
const nameText = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

function checkName(name: string, taken: ReadonlyMap<string, unknown>, what: string): void {
  if (typeof name !== "string" || !nameText.test(name))
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `${JSON.stringify(name)} is no name for a ${what}: up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit`,
    );
  if (taken.has(name))
    throw new CofferdamError("INVALID_ARGUMENT", `the scope has a ${what} ${name} already`);
}

function find<Value>(values: ReadonlyMap<string, Value>, name: string, what: string): Value {
  const value = values.get(name);
  if (value) return value;
  const known = values.size === 0 ? "none" : [...values.keys()].join(", ");
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `the scope has no ${what} ${JSON.stringify(name)} (it has ${known}): open it with scope.${what}() first`,
  );
}
