/**
 *    acquire() ─▶ fair queue ─▶ turn: room in every window, a free lease, no pause ─▶ permit
 *                    ▲               │
 *                    │               └─ not yet: a timer for when there is, and no lock meanwhile
 *                    └── abort, close: out of the queue at once
 */
import { CofferdamError, errorMessage } from "../../errors/index.ts";
import { refuseAborted } from "../../scope/index.ts";
import {
  checkUsed,
  parseRetryAfter,
  type Permit,
  type PermitOptions,
} from "../../worker/permit.ts";
import { checkUnits, type Bounds } from "./bounds.ts";
import { FairQueue } from "./fair-queue.ts";
import type { LeaseBook, Ledger } from "./ledger.ts";

/** A permit of the parent's side, with what only the parent may say of it. */
export interface LimiterPermit extends Permit {
  /** Its holder is gone. The lease is free; the call may still be on its way, and stays counted. */
  drop(): void;
  /** It never reached its holder: as if it had not been given. */
  withdraw(): void;
}

export interface AcquireOptions extends PermitOptions {
  /** Groups take turns; a worker is one. */
  readonly group?: number | string;
}

interface Waiting {
  readonly units: number;
  readonly group: number | string;
  readonly granted: (permit: LimiterPermit) => void;
  readonly refused: (error: Error) => void;
}

type Change = (book: LeaseBook, now: number) => void;

const timerMsMax = 2 ** 31 - 1;
const busyRetryMs = 5;
const ownGroup = "";

/** A rate limit and a bound of concurrency that many share. Made by `scope.limiter`. */
export class Limiter {
  readonly name: string;
  readonly #bounds: Bounds;
  readonly #ledger: Ledger;
  readonly #onClosed: (() => void) | undefined;
  readonly #queue = new FairQueue<number | string, Waiting>();
  #changes: Change[] = [];
  /** Who came since the last turn that was had, in that order. */
  readonly #newcomers: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(name: string, bounds: Bounds, ledger: Ledger, onClosed?: () => void) {
    this.name = name;
    this.#bounds = bounds;
    this.#ledger = ledger;
    this.#onClosed = onClosed;
  }

  /** How many wait for a permit. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * Waits for a permit. Rejects with `OVER_LIMIT` for more units than any window holds, `QUEUE_FULL`
   * when too many wait already, `CANCELLED` for an abort, `CLOSED` when it, or its scope, is closed.
   */
  async acquire(options: AcquireOptions = {}): Promise<LimiterPermit> {
    const { signal, group = ownGroup } = options;
    const units = checkUnits(options.units ?? 1, this.#bounds);
    refuseAborted(signal);
    this.#refuseWhenClosed();
    // Who can be served at once does not wait: when a turn is to come, that decides.
    if (this.#queue.size >= this.#bounds.queue && !this.#immediate) throw this.#queueFull();
    const { promise, resolve, reject } = Promise.withResolvers<LimiterPermit>();
    const waiting: Waiting = { units, group, granted: resolve, refused: reject };
    const onAbort = (): void => {
      if (!this.#queue.remove(group, waiting)) return;
      reject(
        new CofferdamError("CANCELLED", `the wait for the limiter ${this.name} was given up`, {
          cause: signal?.reason,
        }),
      );
      this.#soon(); // the next may need less
    };
    this.#queue.add(group, waiting);
    this.#newcomers.push(waiting);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#soon();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Refuses who waits and lets go of the file, if there is one. Permits that are held are void. */
  close(): void {
    if (this.#closed) return;
    this.#turn(); // what was given back still counts for other processes
    this.#closed = true;
    for (const waiting of [...this.#queue]) {
      this.#queue.remove(waiting.group, waiting);
      waiting.refused(new CofferdamError("CLOSED", `the limiter ${this.name} was closed`));
    }
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#ledger[Symbol.dispose]();
    this.#onClosed?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #change(change: Change): void {
    if (this.#closed) return;
    this.#changes.push(change);
    this.#soon();
  }

  #soon(): void {
    if (!this.#ledger.batched) this.#turn();
    else this.#immediate ??= setImmediate(() => this.#turn());
  }

  #turn(): void {
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
    if (this.#closed) return;
    let nextAt = Infinity;
    let had = false;
    const given: { waiting: Waiting; permit: LimiterPermit }[] = [];
    const changes = this.#changes;
    try {
      had = this.#ledger.transact(({ book, now, share }) => {
        for (const change of changes) change(book, now);
        nextAt = this.#give(book, now, share, given);
        return this.#queue.size;
      });
      if (had) this.#changes = [];
      else nextAt = this.#ledger.now() + busyRetryMs;
    } catch (error) {
      this.#refuseAll(given.splice(0), error);
    }
    // Only after the state is safe: a permit that was told of cannot be taken back.
    for (const { waiting, permit } of given) waiting.granted(permit);
    if (had) this.#refuseSurplus();
    this.#lookAgain(nextAt);
  }

  /** Gives what can be given. Gives when to look again. */
  #give(
    book: LeaseBook,
    now: number,
    share: number,
    given: { waiting: Waiting; permit: LimiterPermit }[],
  ): number {
    for (let left = share; ; left--) {
      const waiting = this.#queue.first();
      if (!waiting) return Infinity;
      const at = book.earliest(waiting.units, now);
      if (at > now) return at;
      if (left <= 0) return now + this.#ledger.pollMs; // others have their turn
      this.#queue.take();
      const permit = this.#permit(book.grant(waiting.units, now), waiting.units);
      given.push({ waiting, permit });
    }
  }

  /** Who came last, and found no permit and no room to wait for one. */
  #refuseSurplus(): void {
    for (const waiting of this.#newcomers.splice(0).reverse()) {
      if (this.#queue.size <= this.#bounds.queue) return;
      if (this.#queue.remove(waiting.group, waiting)) waiting.refused(this.#queueFull());
    }
  }

  /** The shared file cannot be used: whoever waits is told, and what was given back is kept. */
  #refuseAll(given: readonly { waiting: Waiting }[], error: unknown): void {
    const refusal = new CofferdamError(
      "LIMITER_UNUSABLE",
      `the file of the limiter ${this.name} cannot be used (${errorMessage(error)}): free it, or share another folder`,
      { cause: error },
    );
    for (const { waiting } of given) waiting.refused(refusal);
    for (const waiting of [...this.#queue]) {
      this.#queue.remove(waiting.group, waiting);
      waiting.refused(refusal);
    }
  }

  #lookAgain(at: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#queue.size === 0 && this.#changes.length === 0) return;
    const waitMs = Math.min(at - this.#ledger.now(), this.#ledger.pollMs, timerMsMax);
    // No timer where a permit must be given back first: that makes a turn by itself.
    if (at === Infinity && this.#ledger.pollMs === Infinity) return;
    this.#timer = setTimeout(() => this.#wake(at), Math.max(1, Math.ceil(waitMs)));
  }

  #wake(at: number): void {
    const due = this.#ledger.now() >= at || this.#changes.length > 0;
    if (due || this.#ledger.hasNews()) this.#turn();
    else this.#lookAgain(at);
  }

  #permit(id: number, units: number): LimiterPermit {
    let released = false;
    const once = (change: Change): void => {
      if (released) return;
      released = true;
      this.#change(change);
    };
    const refuseReleased = (): void => {
      if (released) throw new CofferdamError("CLOSED", "the permit was given back already");
    };
    const release = (): void => once((book, now) => book.end(id, now));
    return {
      units,
      used: (used) => {
        checkUsed(used);
        refuseReleased();
        this.#change((book, now) => book.correct(id, used, now));
      },
      retryAfter: (after) => {
        const ms = parseRetryAfter(after);
        refuseReleased();
        this.#change((book, now) => book.pause(now, ms));
      },
      release,
      drop: () => once((book, now) => book.drop(id, now)),
      withdraw: () => once((book, now) => book.withdraw(id, now)),
      [Symbol.dispose]: release,
      [Symbol.asyncDispose]: () => {
        release();
        return Promise.resolve();
      },
    };
  }

  #queueFull(): CofferdamError {
    return new CofferdamError(
      "QUEUE_FULL",
      `${this.#bounds.queue} calls wait for the limiter ${this.name} already: ask for fewer at once, or raise its \`queue\``,
    );
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new CofferdamError("CLOSED", `the limiter ${this.name} is closed`);
  }
}
