import type { Rate } from "./bounds.ts";

/** One use of a limit, for as long as a window may count it. */
export interface Charge {
  requests: number;
  units: number;
  /** Since when it is known to have been counted by the other side; null: that may still come. */
  countedAt: number | null;
  /** Its number in the log, once it is there. */
  place: number;
}

interface Window {
  readonly rate: Rate;
  /** How long a charge stays after it was counted. */
  readonly spanMs: number;
  /** All that the window holds now. */
  sum: number;
  /** Place of the oldest charge in it. */
  first: number;
}

/**
 * Exact sliding windows: every charge is remembered until it has left all windows, so no window of
 * that length, wherever it begins, holds more than its limit. A charge is held from when it was
 * allowed until one window after it was counted: the other side has counted it at some moment
 * between the two, and whichever it was, its windows hold no more than ours.
 */
export class WindowLog {
  readonly #windows: readonly Window[];
  /** Counted charges, oldest first. */
  #log: Charge[] = [];
  /** Place of the first charge in `#log`. */
  #base = 0;
  #lastCountedAt = -Infinity;

  constructor(rates: readonly Rate[]) {
    // A little longer than the window: no two clocks tick alike, and some count whole milliseconds.
    this.#windows = rates.map((rate) => ({
      rate,
      spanMs: rate.windowMs * 1.001 + 1,
      sum: 0,
      first: 0,
    }));
  }

  /** The longest time that a counted charge matters. */
  get spanMs(): number {
    return Math.max(0, ...this.#windows.map(({ spanMs }) => spanMs));
  }

  add(requests: number, units: number): Charge {
    const charge: Charge = { requests, units, countedAt: null, place: Infinity };
    for (const window of this.#windows) window.sum += amountOf(charge, window);
    return charge;
  }

  /** From `at` on its windows run off. */
  count(charge: Charge, at: number): void {
    if (charge.countedAt !== null) return;
    // Later than it was is safe, and keeps the log in order.
    this.#lastCountedAt = charge.countedAt = Math.max(at, this.#lastCountedAt);
    charge.place = this.#base + this.#log.length;
    this.#log.push(charge);
  }

  /** Changes what windows that still hold the charge count for it. */
  change(charge: Charge, requests: number, units: number): void {
    for (const window of this.#windows)
      if (charge.place >= window.first) window.sum -= amountOf(charge, window);
    charge.requests = requests;
    charge.units = units;
    for (const window of this.#windows)
      if (charge.place >= window.first) window.sum += amountOf(charge, window);
  }

  /**
   * When one request of so many units fits into every window; `now` or before when it does already,
   * Infinity when that depends on charges that are not counted yet.
   */
  earliest(units: number, now: number): number {
    this.#expire(now);
    const wanted = { requests: 1, units };
    return Math.max(-Infinity, ...this.#windows.map((window) => this.#roomAt(window, wanted)));
  }

  #roomAt(window: Window, wanted: Pick<Charge, Measured>): number {
    let missing = window.sum + amountOf(wanted, window) - window.rate.limit;
    if (missing <= 0) return -Infinity;
    for (let index = window.first - this.#base; index < this.#log.length; index++) {
      const charge = this.#log[index];
      if (!charge) break;
      missing -= amountOf(charge, window);
      if (missing <= 0) return (charge.countedAt ?? 0) + window.spanMs;
    }
    return Infinity;
  }

  #expire(now: number): void {
    let first = Infinity;
    for (const window of this.#windows) {
      for (;;) {
        const charge = this.#log[window.first - this.#base];
        if (!charge || (charge.countedAt ?? 0) + window.spanMs > now) break;
        window.sum -= amountOf(charge, window);
        window.first++;
      }
      first = Math.min(first, window.first);
    }
    const gone = Math.min(first - this.#base, this.#log.length);
    // Cut off seldom, so that each charge is moved a few times at most.
    if (gone < 1024 || gone * 2 < this.#log.length) return;
    this.#log = this.#log.slice(gone);
    this.#base += gone;
  }
}

type Measured = Rate["measure"];

function amountOf(charge: Pick<Charge, Measured>, window: Window): number {
  return charge[window.rate.measure];
}
