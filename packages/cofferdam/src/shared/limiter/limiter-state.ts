import { Backoff } from "./backoff.ts";
import type { Bounds } from "./bounds.ts";
import { spreadUnits } from "./parts.ts";
import { WindowLog, type Charge } from "./window-log.ts";

/** A permit as the windows and the concurrency bound see it. */
interface Lease {
  readonly grantedAt: number;
  readonly charge: Charge;
  /** Units above what was asked for, told afterwards. */
  readonly extras: Charge[];
}

/**
 * All that a limiter knows, and nothing else: no clock, no queue, no holder. Times are given to it,
 * in milliseconds of a clock that never goes back.
 */
export class LimiterState {
  readonly #bounds: Bounds;
  readonly #log: WindowLog;
  /** Permits that are held. */
  readonly #open = new Map<number, Lease>();
  /** Units above what a held permit asked for, where they have numbers of their own. */
  readonly #extras = new Map<number, Charge>();
  /** Permits whose call may not have been counted yet, in the order in which they were given. */
  readonly #inTransit = new Map<number, Lease>();
  readonly backoff: Backoff;

  constructor(bounds: Bounds, random: () => number = Math.random) {
    this.#bounds = bounds;
    this.#log = new WindowLog(bounds.rates);
    this.backoff = new Backoff(bounds, random);
  }

  /** How many permits are held. */
  get open(): number {
    return this.#open.size;
  }

  /** How long a permit that was given back can still matter. */
  get memoryMs(): number {
    return this.#log.spanMs + this.#bounds.transitMs;
  }

  /**
   * When a permit for so many units may be given: `now` or before, or when to ask again. Infinity
   * when that depends on a permit's being given back.
   */
  earliest(units: number, now: number): number {
    this.#settle(now);
    if (this.#open.size >= this.#bounds.concurrency) return Infinity;
    const room = this.#log.earliest(units, now);
    return Math.max(room === Infinity ? this.#nextSettledAt() : room, this.backoff.earliest(now));
  }

  grant(id: number, units: number, now: number): void {
    this.backoff.granted(now);
    this.load(id, 1, units, now);
  }

  /** Takes in a permit that was given, here or by another process. */
  load(id: number, requests: number, units: number, grantedAt: number): void {
    const lease = { grantedAt, charge: this.#log.add(requests, units), extras: [] };
    this.#open.set(id, lease);
    this.#inTransit.set(id, lease);
  }

  /** Takes in units that were used above what a permit asked for. They hold no place. */
  loadExtra(id: number, units: number, countedAt: number): void {
    this.#settle(countedAt);
    this.#extras.set(id, this.#addCounted(units, countedAt));
  }

  has(id: number): boolean {
    return this.#open.has(id) || this.#extras.has(id);
  }

  /** The permit is given back: its call is over, and counted by now. */
  end(id: number, now: number): void {
    this.#settle(now);
    this.#extras.delete(id);
    const lease = this.#open.get(id);
    if (!lease) return;
    this.#open.delete(id);
    this.#inTransit.delete(id);
    this.#log.count(lease.charge, now);
  }

  /** Its holder is gone: free again, but its call may still be on the way. */
  drop(id: number): void {
    this.#open.delete(id);
  }

  /** It never reached its holder: as if it had not been given. */
  withdraw(id: number, now: number): void {
    const lease = this.#open.get(id);
    if (!lease) return;
    this.set(id, 0, 0);
    this.end(id, now);
  }

  /** What the windows that still hold the permit count for it. */
  set(id: number, requests: number, units: number): void {
    const charge = this.#open.get(id)?.charge ?? this.#extras.get(id);
    if (charge) this.#log.change(charge, requests, units);
  }

  /** What the call has really used. Above what was asked for, the rest counts from now on. */
  correct(id: number, units: number, now: number): void {
    this.#settle(now);
    const lease = this.#open.get(id);
    if (!lease) return;
    const parts = [lease.charge, ...lease.extras];
    spreadUnits(parts, units).forEach((share, index) => {
      const part = parts[index];
      if (part) this.#log.change(part, part.requests, share);
      else lease.extras.push(this.#addCounted(share, now));
    });
  }

  #addCounted(units: number, countedAt: number): Charge {
    const charge = this.#log.add(0, units);
    this.#log.count(charge, countedAt);
    return charge;
  }

  /** Counts what must have been counted by now. */
  #settle(now: number): void {
    for (const [id, { charge, grantedAt }] of this.#inTransit) {
      const latest = grantedAt + this.#bounds.transitMs;
      if (latest > now) return;
      this.#inTransit.delete(id);
      this.#log.count(charge, latest);
    }
  }

  #nextSettledAt(): number {
    for (const { grantedAt } of this.#inTransit.values()) return grantedAt + this.#bounds.transitMs;
    return Infinity;
  }
}
