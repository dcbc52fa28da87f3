import type { Bounds } from "./bounds.ts";
import { LimiterState } from "./limiter-state.ts";

/** What a limiter may do with its state; permits are known by number. Times are the ledger's. */
export interface LeaseBook {
  /** See `LimiterState.earliest`. */
  earliest(units: number, now: number): number;
  grant(units: number, now: number): number;
  end(id: number, now: number): void;
  drop(id: number, now: number): void;
  withdraw(id: number, now: number): void;
  correct(id: number, units: number, now: number): void;
  pause(now: number, ms: number | undefined): void;
}

export interface Turn {
  readonly book: LeaseBook;
  readonly now: number;
  /** How many permits may be given in this turn. */
  readonly share: number;
}

/** Where a limiter's state lives: in this process, or in a file that processes share. */
export interface Ledger extends Disposable {
  /**
   * Runs `work` on the newest state, with nobody else at it; `work` gives how many still wait.
   * False: it could not be had now, and nothing was run.
   */
  transact(work: (turn: Turn) => number): boolean;
  now(): number;
  /** How long a waiting limiter may go without a look whether others have done something. */
  readonly pollMs: number;
  /** That look: whether a turn could find anything new. */
  hasNews(): boolean;
  /** Whether it pays to do what comes in one turn of the event loop together. */
  readonly batched: boolean;
}

/** The state of a limiter of one process. The clock is monotonic: no change of the time matters. */
export class MemoryLedger implements Ledger {
  readonly pollMs = Infinity;
  readonly batched = false;
  readonly #state: LimiterState;
  readonly now: () => number;
  readonly #book: LeaseBook;
  #nextId = 1;

  constructor(bounds: Bounds, now: () => number = () => performance.now()) {
    this.#state = new LimiterState(bounds);
    this.now = now;
    const state = this.#state;
    this.#book = {
      earliest: (units, at) => state.earliest(units, at),
      grant: (units, at) => {
        state.grant(this.#nextId, units, at);
        return this.#nextId++;
      },
      end: (id, at) => state.end(id, at),
      drop: (id) => state.drop(id),
      withdraw: (id, at) => state.withdraw(id, at),
      correct: (id, units, at) => state.correct(id, units, at),
      pause: (at, ms) => state.backoff.pause(at, ms),
    };
  }

  hasNews(): boolean {
    return true;
  }

  transact(work: (turn: Turn) => number): boolean {
    work({ book: this.#book, now: this.now(), share: Infinity });
    return true;
  }

  [Symbol.dispose](): void {
    // There is nothing to let go of.
  }
}
