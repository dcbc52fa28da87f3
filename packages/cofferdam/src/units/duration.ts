import { quoteValue, UnitError } from "./unit-error.ts";

/** Milliseconds as a number, or text with a unit: `"250ms"`, `"1.5s"`, `"10m"`, `"1h30m"`. */
export type Duration = number | string;

const ACCEPTED =
  'give milliseconds as a number, or text like "250ms", "1.5s", "10m", "2h", "1h30m"';

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, min: 60_000, s: 1000, ms: 1 } as const;

const PART = /(\d+(?:\.\d+)?)\s*(ms|min|[dhms])\s*/gy;

/**
 * Turns a duration into whole milliseconds.
 *
 * Parts go from the larger unit to the smaller and none comes twice: `"1h30m"`, and what
 * `formatDuration` prints, `"2 min 05 s"`. Text without a unit is refused (seconds to some programs,
 * milliseconds to others), except `"0"`. A duration above zero never becomes zero by rounding.
 * Longer than the 24.8 days that fit a `setTimeout` is fine: no deadline lives in one.
 *
 * @throws {UnitError} for anything else, negative and not finite numbers included.
 */
export function parseDuration(value: Duration): number {
  const ms = typeof value === "number" ? value : parseText(value);
  if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) throw refuse(value);
  return ms > 0 ? Math.max(1, Math.round(ms)) : 0;
}

function parseText(value: unknown): number {
  if (typeof value !== "string") throw refuse(value);
  const text = value.trim();
  if (text === "0") return 0;
  if (/^\d+(\.\d+)?$/.test(text)) {
    throw new UnitError(`${quoteValue(value)} has no unit of time: ${ACCEPTED}`);
  }
  let total = 0;
  let previous = Infinity;
  let end = 0;
  for (const part of text.matchAll(PART)) {
    const unit = UNITS[part[2] as keyof typeof UNITS];
    if (unit >= previous) throw refuse(value);
    previous = unit;
    total += Number(part[1]) * unit;
    end = part.index + part[0].length;
  }
  if (end === 0 || end !== text.length) throw refuse(value);
  return total;
}

function refuse(value: unknown): UnitError {
  return new UnitError(`${quoteValue(value)} is not a duration: ${ACCEPTED}`);
}
