import { CofferdamError } from "../errors/index.ts";
import { parseDuration } from "../units/index.ts";

/** The right to one call, held until it is given back or its holder is gone. */
export interface Permit extends Disposable, AsyncDisposable {
  /** The units that were asked for. */
  readonly units: number;
  /** What the call has really used, when that is known. */
  used(units: number): void;
  /**
   * The other side has refused the call (429): everybody waits. Takes milliseconds, a duration, or
   * a `Retry-After` header as it came (seconds, or a date); without any, pauses grow from refusal to
   * refusal.
   */
  retryAfter(after?: number | string | null): void;
  /** Gives it back. Leaving the block of `await using` does that too. */
  release(): void;
}

export interface PermitOptions {
  /** Units that the call will use, as far as is known. Default 1. */
  readonly units?: number;
  /** Aborting it gives the wait up (`CANCELLED`). */
  readonly signal?: AbortSignal;
}

const longestPauseMs = 86_400_000;

/** Milliseconds to wait from now; undefined where nothing was said. Throws `INVALID_ARGUMENT`. */
export function parseRetryAfter(after: number | string | null | undefined): number | undefined {
  if (after === undefined || after === null) return undefined;
  const ms = typeof after === "string" ? parseText(after.trim()) : after;
  if (Number.isFinite(ms)) return Math.min(longestPauseMs, Math.max(0, ms));
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `${JSON.stringify(after)} is no time to wait: give milliseconds, a duration like "30s", or a Retry-After header`,
  );
}

function parseText(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000; // a header's number means seconds
  try {
    return parseDuration(text);
  } catch {
    return Date.parse(text) - Date.now();
  }
}

/** Refuses what is no amount of units. */
export function checkUsed(units: number): number {
  if (Number.isSafeInteger(units) && units >= 0) return units;
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `used units must be a whole number, 0 or more, not ${String(units)}`,
  );
}
