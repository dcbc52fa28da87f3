import type { Bounds } from "./bounds.ts";

/** Plain values, so that processes can share it. Times are the limiter's. */
export interface BackoffRecord {
  /** No permit is given before. */
  readonly pausedUntil: number;
  /** Until then permits are given one by one, at an even pace. */
  readonly recoveredAt: number;
  /** The next of those. */
  readonly nextAt: number;
  /** Pauses without a given length, one after the other. */
  readonly refusals: number;
}

/** A number, unlike -Infinity, that JSON knows. */
const longAgo = -Number.MAX_VALUE;
const firstPauseMs = 1000;
const longestPauseMs = 60_000;
const gapWithoutRateMs = 50;

/**
 * Slows everybody down when the other side has refused a call. Nobody gets a permit until the pause
 * is over, and what has piled up does not come as one burst then: for as long again permits are
 * given at the even pace of the request rate, with jitter.
 */
export class Backoff {
  readonly #gapMs: number;
  readonly #random: () => number;
  #pausedUntil = longAgo;
  #recoveredAt = longAgo;
  #nextAt = longAgo;
  #refusals = 0;

  constructor({ rates }: Bounds, random: () => number) {
    const gaps = rates
      .filter(({ measure }) => measure === "requests")
      .map(({ windowMs, limit }) => windowMs / limit);
    this.#gapMs = gaps.length > 0 ? Math.max(...gaps) : gapWithoutRateMs;
    this.#random = random;
  }

  /** `ms`: what the other side asked for; without it each refusal in a row doubles the pause. */
  pause(now: number, ms: number | undefined): void {
    if (ms === undefined) {
      // Calls that were under way when the pause began are refused together: that is one refusal.
      if (now < this.#pausedUntil) return;
      this.#refusals++;
    }
    const lengthMs =
      ms === undefined
        ? Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#refusals - 1)) *
          (0.5 + this.#random() / 2)
        : ms * (1 + this.#random() / 10);
    const until = now + lengthMs;
    if (until <= this.#pausedUntil) return;
    this.#pausedUntil = this.#nextAt = until;
    this.#recoveredAt = until + Math.min(longestPauseMs, Math.max(firstPauseMs, lengthMs));
  }

  /** When the next permit may be given, as far as this is concerned. */
  earliest(now: number): number {
    // A slow rate's pace can be far longer than the recovery: it is only kept for as long as that.
    return now < this.#recoveredAt ? Math.min(this.#nextAt, this.#recoveredAt) : -Infinity;
  }

  granted(now: number): void {
    if (now < this.#recoveredAt) this.#nextAt = now + this.#gapMs * (0.5 + this.#random());
    else this.#refusals = 0;
  }

  get record(): BackoffRecord {
    return {
      pausedUntil: this.#pausedUntil,
      recoveredAt: this.#recoveredAt,
      nextAt: this.#nextAt,
      refusals: this.#refusals,
    };
  }

  set record(record: BackoffRecord) {
    this.#pausedUntil = record.pausedUntil;
    this.#recoveredAt = record.recoveredAt;
    this.#nextAt = record.nextAt;
    this.#refusals = record.refusals;
  }
}
