import { monotonicMs } from "../clock.ts";
import { errorMessage } from "../errors/index.ts";
import { hashKey, hashOfName, nameKey, type CacheKey } from "./cache-key.ts";
import { CacheReader } from "./cache-reader.ts";
import { givenUp, refuseAborted } from "./given-up.ts";
import type { Ask, ServiceAnswer } from "./service.ts";
import { packValue, unpackValue, type OpenedValue } from "./stored-value.ts";
import { decodeValue } from "./values.ts";

/** A cache of the parent's, in a worker. */
export interface WorkerCache<Value = unknown> {
  /** Undefined where nothing is stored. Rejects with `INVALID_ARGUMENT` for what can be no key. */
  get(key: CacheKey): Promise<Value | undefined>;
  /**
   * Resolves when it is stored. Rejects with `NOT_SERIALIZABLE` and `CACHE_UNUSABLE` too, and with
   * `INVALID_ARGUMENT` for a value that is bigger than the cache's `maxBytes`.
   */
  set(key: CacheKey, value: Value): Promise<void>;
  /**
   * The stored value, or else what `compute` gives. However many ask for a key at once, in workers
   * and other processes, one computes and the rest wait; if that one dies, another takes over.
   * Aborting the signal gives the wait up (`CANCELLED`).
   */
  getOrCompute(
    key: CacheKey,
    compute: () => Value | Promise<Value>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Value>;
}

/** Numbers of claims are this process's own, and are not used twice. */
let nextClaim = 1;
const waitedFor = "a value of a cache";
const opened = new Map<string, Promise<OpenedCache>>();
/**
 * How often the parent is told what was used. It writes that down, and what workers have in memory
 * is read anew then: not more often than it matters for what goes first one day.
 */
const tellUsedEveryMs = 10_000;

/** The parent's cache of that name: reads its file itself, and asks the parent for all else. */
export function openCache<Value>(ask: Ask, name: string): WorkerCache<Value> {
  return new AskingCache(name, (request) =>
    ask("cache", { ...request, name }),
  ) as WorkerCache<Value>;
}

type AskCache = (request: Readonly<Record<string, unknown>>) => Promise<ServiceAnswer>;

/** What a worker process knows of a cache, whichever task asks. */
class OpenedCache {
  readonly version: string;
  #reader: CacheReader | undefined;
  #file: string;
  #toldAt = monotonicMs();

  static async open(ask: AskCache): Promise<OpenedCache> {
    const { version, file } = await ask({ op: "open" });
    return new OpenedCache(String(version), String(file));
  }

  private constructor(version: string, file: string) {
    this.version = version;
    this.#file = file;
  }

  /** Gives undefined too for whatever cannot be read: the parent is asked then, and can. */
  read(name: string): OpenedValue | undefined {
    try {
      if (this.#reader?.file !== this.#file) {
        this.#reader?.close();
        this.#reader = undefined;
        this.#reader = new CacheReader(this.#file);
      }
      return this.#reader.get(name);
    } catch {
      return undefined;
    }
  }

  /** The parent has moved to another file. */
  follow(file: unknown): void {
    if (typeof file === "string") this.#file = file;
  }

  /** Tells the parent, which alone writes, what was used. */
  tellUsed(ask: AskCache): void {
    const now = monotonicMs();
    if (!this.#reader || now - this.#toldAt < tellUsedEveryMs) return;
    this.#toldAt = now;
    ask({ op: "touch", keys: this.#reader.takeUsed() }).catch(() => undefined);
  }
}

class AskingCache implements WorkerCache {
  readonly #name: string;
  readonly #ask: AskCache;
  #opened: OpenedCache | undefined;

  constructor(name: string, ask: AskCache) {
    this.#name = name;
    this.#ask = ask;
  }

  async get(key: CacheKey): Promise<unknown> {
    const cache = this.#opened ?? (await this.#open());
    const name = nameKey(cache.version, key);
    const stored = cache.read(name);
    if (stored) {
      cache.tellUsed(this.#ask);
      return decodeValue(stored.value, stored.parts);
    }
    const { value } = await this.#ask({ op: "get", key: hashOfName(name) });
    return value === undefined ? undefined : unpackValue(value as Uint8Array);
  }

  async set(key: CacheKey, value: unknown): Promise<void> {
    const { version } = this.#opened ?? (await this.#open());
    await this.#ask({ op: "set", key: hashKey(version, key), value: packValue(value) });
  }

  async getOrCompute(
    key: CacheKey,
    compute: () => unknown,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<unknown> {
    refuseAborted(waitedFor, signal);
    const cache = this.#opened ?? (await this.#open());
    const name = nameKey(cache.version, key);
    const stored = cache.read(name);
    if (stored) {
      cache.tellUsed(this.#ask);
      return decodeValue(stored.value, stored.parts);
    }
    refuseAborted(waitedFor, signal); // it may have been while the cache was opened
    const claim = nextClaim++;
    const answer = await this.#claim(hashOfName(name), claim, signal);
    cache.follow(answer["file"]);
    if (answer["value"] !== undefined) return unpackValue(answer["value"] as Uint8Array);
    return this.#compute(claim, compute);
  }

  async #claim(
    key: Uint8Array,
    claim: number,
    signal: AbortSignal | undefined,
  ): Promise<ServiceAnswer> {
    const giveUp = (): void => void this.#ask({ op: "cancel", claim }).catch(() => undefined);
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      const answer = await this.#ask({ op: "claim", key, claim });
      refuseAborted(waitedFor, signal);
      return answer;
    } catch (error) {
      // The parent's refusal does not know the signal's reason.
      throw signal?.aborted ? givenUp(waitedFor, signal) : error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  async #compute(claim: number, compute: () => unknown): Promise<unknown> {
    let value: unknown;
    let packed: Uint8Array;
    try {
      value = await compute();
      packed = packValue(value);
    } catch (error) {
      this.#ask({ op: "fail", claim, message: errorMessage(error) }).catch(() => undefined);
      throw error;
    }
    await this.#ask({ op: "put", claim, value: packed });
    return value;
  }

  async #open(): Promise<OpenedCache> {
    let opening = opened.get(this.#name);
    if (!opening) {
      opening = OpenedCache.open(this.#ask);
      opened.set(this.#name, opening);
      opening.catch(() => opened.delete(this.#name));
    }
    return (this.#opened = await opening);
  }
}
