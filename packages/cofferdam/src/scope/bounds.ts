import { CofferdamError } from "../errors/index.ts";
import { parseDuration, parseSize, type Duration, type Size } from "../units/index.ts";

/** Between TERM and KILL where nothing else is said. */
export const defaultGraceMs = 5_000;

/** A deadline in milliseconds. Zero is refused: to some it means none, to others at once. */
export function parseTimeout(value: Duration, name = "timeout"): number {
  return aboveZero(parseDuration(value), name);
}

/** A memory bound in bytes; see `parseTimeout`. */
export function parseMemory(value: Size, name = "memory"): number {
  return aboveZero(parseSize(value), name);
}

/** A whole number above 0. */
export function checkCount(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `${name} must be a whole number above 0, not ${value}`,
  );
}

function aboveZero(value: number, name: string): number {
  if (value > 0) return value;
  throw new CofferdamError("INVALID_ARGUMENT", `${name} must be above 0; leave it away for none`);
}

/** Throws `CANCELLED` for a signal that was aborted before anything started. */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedBefore(signal);
}

export function abortedBefore(signal: AbortSignal): CofferdamError {
  return new CofferdamError("CANCELLED", "it was cancelled before it started", {
    cause: signal.reason,
  });
}
