import { join } from "node:path";
import { CofferdamError } from "../../errors/index.ts";
import { parseDuration, parseSize, type Duration, type Size } from "../../units/index.ts";
import { hashKey, type CacheKey } from "../../worker/cache-key.ts";
import { packValue, unpackValue } from "../../worker/stored-value.ts";
import { cachesDirectory, CacheFiles } from "./cache-files.ts";
import { CacheStore, type Notice } from "./cache-store.ts";
import type { CacheTotals } from "./cache-database.ts";
import { Flights, type Flown } from "./flights.ts";

export interface CacheOptions {
  /**
   * Part of every key: with another version nothing that was stored before is found. For what shapes
   * all values alike: a model, a program's version. In one scope a name keeps its version. Default "".
   */
  readonly version?: string;
  /**
   * What was not used for longest makes room when there is more. A value that is bigger than that
   * alone is given to who computes it and not kept, which a notice says once. Default 1 GB.
   */
  readonly maxBytes?: Size;
  /** After this long a value is computed anew. Default: never. */
  readonly ttl?: Duration;
  /** Where it lies. Default: a folder of its name among the user's caches. */
  readonly folder?: string;
}

export interface ComputeOptions {
  /** Aborting it gives the wait up (`CANCELLED`). */
  readonly signal?: AbortSignal;
}

const defaultMaxBytes = "1 GB";

/**
 * Values by all that shapes them, kept in a file that workers and processes share. Closed with its
 * scope at the latest; whatever is asked of it then is refused with `CLOSED`.
 */
export class Cache<Value = unknown> {
  readonly name: string;
  readonly version: string;
  readonly store: CacheStore;
  readonly flights: Flights;
  readonly #onClosed: (() => void) | undefined;

  /** Made by `scope.cache`. Throws `INVALID_ARGUMENT` and `CACHE_UNUSABLE`. */
  constructor(name: string, options: CacheOptions, notice: Notice, onClosed?: () => void) {
    this.name = name;
    this.version = options.version ?? "";
    const maxBytes = parseSize(options.maxBytes ?? defaultMaxBytes);
    const ttlMs = options.ttl === undefined ? undefined : parseDuration(options.ttl);
    if (maxBytes === 0 || ttlMs === 0)
      throw new CofferdamError(
        "INVALID_ARGUMENT",
        `the cache's ${ttlMs === 0 ? "ttl" : "maxBytes"} must be above 0`,
      );
    const files = new CacheFiles(options.folder ?? join(cachesDirectory(), name));
    this.store = new CacheStore(files, { maxBytes, ttlMs }, notice);
    this.flights = new Flights(this.store);
    this.#onClosed = onClosed;
  }

  /** Undefined where nothing is stored. Rejects with `INVALID_ARGUMENT` for what can be no key. */
  // eslint-disable-next-line @typescript-eslint/require-await -- a bad key rejects, and does not throw
  async get(key: CacheKey): Promise<Value | undefined> {
    const stored = this.store.read(hashKey(this.version, key));
    return stored && (unpackValue(stored) as Value);
  }

  /**
   * Resolves when it is stored. Rejects with `NOT_SERIALIZABLE` and `CACHE_UNUSABLE` too, and with
   * `INVALID_ARGUMENT` for a value that is bigger than the cache's `maxBytes`.
   */
  async set(key: CacheKey, value: Value): Promise<void> {
    await this.store.write(hashKey(this.version, key), packValue(value));
  }

  /**
   * The stored value, or else what `compute` gives. However many ask for a key at once, in workers
   * and other processes too, one computes and the rest wait. Rejects as `compute` does, for all who
   * wait in this process.
   */
  async getOrCompute(
    key: CacheKey,
    compute: () => Value | Promise<Value>,
    options: ComputeOptions = {},
  ): Promise<Value> {
    const hash = hashKey(this.version, key);
    const { value, claim }: Flown = await this.flights.join(hash, options.signal);
    if (!claim) return unpackValue(value) as Value;
    let computed: Value;
    let packed: Uint8Array;
    try {
      computed = await compute();
      packed = packValue(computed);
    } catch (error) {
      claim.fail(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
    // Whether it could be kept does not matter to who wants it; the store has told.
    await claim.put(packed).catch(() => undefined);
    return computed;
  }

  totals(): CacheTotals {
    return this.store.totals();
  }

  close(): void {
    this.flights.close();
    this.store.close();
    this.#onClosed?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
