import { CofferdamError } from "../../errors/index.ts";
import { refuseAborted } from "../../scope/index.ts";
import { isPresent } from "../presence.ts";
import type { CacheDatabase } from "./cache-database.ts";
import { nameOf, type CacheStore } from "./cache-store.ts";

/** The right, and the duty, to compute one value for all who wait for it. */
export interface Claim {
  /** Gives the value to all; resolves when it is stored. Rejects like `CacheStore.write`. */
  put(value: Uint8Array): Promise<void>;
  /** There will be no value: all who wait here are told why. */
  fail(error: Error): void;
  /** Whoever was to compute it is gone: the next who waits takes over. */
  abandon(): void;
}

export type Flown =
  | { readonly value: Uint8Array; readonly claim?: undefined }
  | { readonly value?: undefined; readonly claim: Claim };

interface Waiting {
  readonly resolve: (flown: Flown) => void;
  readonly reject: (error: Error) => void;
}

/** One key that is being computed, here or by another process. */
interface Flight {
  readonly key: Uint8Array;
  readonly waiting: Set<Waiting>;
  /** The other process that computes it. */
  elsewhere: string | undefined;
}

type Answer =
  { readonly value: Uint8Array } | { readonly holder: string } | { readonly mine: true };

/** How often a value that another process computes is looked for. The look is cheap. */
const pollMs = 15;
/** Every so many looks, whether that process still lives. */
const pollsPerProbe = 10;

/**
 * Single flight: of all who want a value that is not there, in this process, its workers and other
 * processes, one computes it and the rest wait. If that one dies, another takes over.
 */
export class Flights {
  readonly #store: CacheStore;
  readonly #flights = new Map<string, Flight>();
  #timer: NodeJS.Timeout | undefined;
  #polls = 0;
  #seenVersion = -1;
  #closed = false;

  constructor(store: CacheStore) {
    this.#store = store;
  }

  /** The value, or the claim to compute it. Rejects with `CANCELLED`, `CLOSED`, or as it failed. */
  async join(key: Uint8Array, signal?: AbortSignal): Promise<Flown> {
    refuseAborted(signal);
    if (this.#closed) throw closed();
    const value = this.#store.read(key);
    if (value) return { value };
    const { promise, resolve, reject } = Promise.withResolvers<Flown>();
    const waiting = { resolve, reject };
    const flight = this.#flight(key);
    flight.waiting.add(waiting);
    const onAbort = (): void => {
      if (!flight.waiting.delete(waiting)) return;
      reject(
        new CofferdamError("CANCELLED", "the wait for a value of a cache was given up", {
          cause: signal?.reason,
        }),
      );
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const flight of this.#flights.values())
      for (const { reject } of flight.waiting) reject(closed());
    this.#flights.clear();
  }

  #flight(key: Uint8Array): Flight {
    const name = nameOf(key);
    let flight = this.#flights.get(name);
    if (!flight) {
      flight = { key, waiting: new Set(), elsewhere: undefined };
      this.#flights.set(name, flight);
      this.#ask(flight);
    }
    return flight;
  }

  /** Asks the file who computes it, and says that it is us when nobody does. */
  #ask(flight: Flight): void {
    flight.elsewhere = undefined;
    let answer: Answer = { mine: true };
    this.#store
      .change((database) => (answer = this.#look(database, flight.key)))
      // A file that cannot be written is no reason not to compute.
      .catch(() => (answer = { mine: true }))
      .then(() => this.#take(flight, answer))
      .catch(() => undefined);
  }

  #look(database: CacheDatabase, key: Uint8Array): Answer {
    const value = database.get(key);
    if (value) return { value };
    const own = this.#store.presence(database);
    const holder = database.claimant(key);
    if (holder !== undefined && holder !== own && isPresent(this.#store.presences, holder))
      return { holder };
    database.claim(key, own);
    return { mine: true };
  }

  #take(flight: Flight, answer: Answer): void {
    if (this.#closed) return;
    if ("value" in answer) this.#land(flight, answer.value);
    else if ("mine" in answer) this.#assign(flight);
    else {
      flight.elsewhere = answer.holder;
      this.#timer ??= setTimeout(() => this.#poll(), pollMs);
    }
  }

  /** Somebody who waits shall compute it. */
  #assign(flight: Flight): void {
    for (const waiting of flight.waiting) {
      flight.waiting.delete(waiting);
      waiting.resolve({ claim: this.#claim(flight) });
      return;
    }
    this.#end(flight);
    this.#unclaim(flight);
  }

  #claim(flight: Flight): Claim {
    let open = true;
    const once = (settle: () => void): void => {
      if (open && !this.#closed) settle();
      open = false;
    };
    return {
      put: (value) => {
        let stored = Promise.resolve();
        once(() => {
          stored = this.#store.keep(flight.key, value);
          this.#unclaim(flight); // in the same transaction
          this.#land(flight, value);
        });
        return stored;
      },
      fail: (error) =>
        once(() => {
          this.#unclaim(flight);
          this.#end(flight);
          for (const { reject } of flight.waiting) reject(error);
        }),
      abandon: () => once(() => this.#assign(flight)),
    };
  }

  #land(flight: Flight, value: Uint8Array): void {
    this.#end(flight);
    for (const { resolve } of flight.waiting) resolve({ value });
  }

  #end({ key }: Flight): void {
    this.#flights.delete(nameOf(key));
  }

  #unclaim({ key }: Flight): void {
    this.#store
      .change((database) => database.unclaim(key, this.#store.presence(database)))
      .catch(() => undefined); // the claim goes with this process
  }

  /** Looks whether other processes have got any further. */
  #poll(): void {
    this.#timer = undefined;
    const flights = Array.from(this.#flights.values()).filter(({ elsewhere }) => elsewhere);
    if (flights.length === 0) return;
    const probe = ++this.#polls % pollsPerProbe === 0;
    const moved = this.#hasChanged();
    const dead = probe ? this.#deadAmong(flights) : new Set<string>();
    for (const flight of flights) {
      if (flight.waiting.size === 0) this.#end(flight);
      else if (dead.has(flight.elsewhere ?? "") || (moved && this.#hasMoved(flight)))
        this.#ask(flight);
    }
    this.#timer ??= setTimeout(() => this.#poll(), pollMs);
  }

  #hasChanged(): boolean {
    try {
      const version = this.#store.database.version();
      const changed = version !== this.#seenVersion;
      this.#seenVersion = version;
      return changed;
    } catch {
      return true; // asking tells what is wrong, and what to do about it
    }
  }

  #hasMoved({ key, elsewhere }: Flight): boolean {
    try {
      const { database } = this.#store;
      return database.claimant(key) !== elsewhere || database.get(key) !== undefined;
    } catch {
      return true;
    }
  }

  #deadAmong(flights: readonly Flight[]): Set<string> {
    const holders = new Set(flights.map(({ elsewhere }) => elsewhere ?? ""));
    return new Set([...holders].filter((id) => !isPresent(this.#store.presences, id)));
  }
}

function closed(): CofferdamError {
  return new CofferdamError("CLOSED", "the cache is closed");
}
