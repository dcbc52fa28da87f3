import { CofferdamError } from "../../errors/index.ts";
import { checkCount } from "../../scope/index.ts";
import { parseDuration, type Duration } from "../../units/index.ts";

/** So many in any window of that length: `"3000/min"`, `"10/s"`, `"500/15s"`, `"1500/day"`. */
export type RateText = string;

export interface LimiterOptions {
  /** Requests, by one rate or several that all hold: `["10/s", "3000/min"]`. */
  readonly requests?: RateText | readonly RateText[];
  /** Units (tokens, items), by one rate or several that all hold. */
  readonly units?: RateText | readonly RateText[];
  /** Permits that may be held at once. */
  readonly concurrency?: number;
  /** Requests for permits that may wait; one more is refused with `QUEUE_FULL`. Default 10,000. */
  readonly queue?: number;
  /**
   * The longest that the other side may take to count a call after its permit was given. Default
   * 1 s. Until then, or until the permit is given back, the call counts as not yet made.
   */
  readonly transit?: Duration;
  /**
   * Shares the limit with all processes of this machine and user that open a limiter of this name
   * with the same bounds. A path: with those that name the same folder.
   */
  readonly shared?: boolean | string;
}

/** What a rate counts. */
export type Measure = "requests" | "units";

export interface Rate {
  readonly measure: Measure;
  readonly limit: number;
  readonly windowMs: number;
  readonly text: string;
}

/** Limiter options, understood. */
export interface Bounds {
  readonly rates: readonly Rate[];
  /** Infinity where there is no bound. */
  readonly concurrency: number;
  readonly queue: number;
  readonly transitMs: number;
}

const queueDefault = 10_000;
const transitDefault = "1s";

/** Refuses with `INVALID_ARGUMENT` what is no limit, or limits nothing. */
export function parseBounds(options: LimiterOptions): Bounds {
  const { requests = [], units = [], concurrency } = options;
  const rates = [
    ...[requests].flat().map((text) => parseRate(text, "requests")),
    ...[units].flat().map((text) => parseRate(text, "units")),
  ];
  if (rates.length === 0 && concurrency === undefined)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      "a limiter needs at least one of `requests`, `units` and `concurrency`",
    );
  return {
    rates,
    concurrency:
      concurrency === undefined ? Infinity : checkCount(concurrency, "the limiter's concurrency"),
    queue: checkCount(options.queue ?? queueDefault, "the limiter's queue"),
    transitMs: parseDuration(options.transit ?? transitDefault),
  };
}

const rateText = /^(\d+)\s*\/\s*(\d+(?:\.\d+)?)?\s*([a-z]+)$/;

const unitNames: Readonly<Record<string, string>> = {
  second: "s",
  minute: "min",
  hour: "h",
  day: "d",
};

function parseRate(text: unknown, measure: Measure): Rate {
  const match = typeof text === "string" ? rateText.exec(text.trim()) : null;
  const [, count, length = "1", unit = ""] = match ?? [];
  const limit = Number(count);
  if (!(Number.isSafeInteger(limit) && limit > 0)) throw refuseRate(text, measure);
  try {
    const windowMs = parseDuration(`${length}${unitNames[unit] ?? unit}`);
    if (windowMs > 0) return { measure, limit, windowMs, text: String(text).trim() };
  } catch {
    // Not a unit of time: the rate as a whole is named below.
  }
  throw refuseRate(text, measure);
}

function refuseRate(text: unknown, measure: Measure): CofferdamError {
  const shown = typeof text === "string" ? JSON.stringify(text.slice(0, 60)) : String(text);
  return new CofferdamError(
    "INVALID_ARGUMENT",
    `${shown} is not a rate of ${measure}: give a whole number above 0 and a time, like "3000/min", "10/s", "500/15s", "1500/day"`,
  );
}

/** Refuses at once the units that no window ever has room for: waiting would have no end. */
export function checkUnits(units: number, bounds: Bounds): number {
  if (!Number.isSafeInteger(units) || units < 0)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `units must be a whole number, 0 or more, not ${String(units)}`,
    );
  for (const { measure, limit, text } of bounds.rates)
    if (measure === "units" && units > limit)
      throw new CofferdamError(
        "OVER_LIMIT",
        `${units} units are more than the limit of ${text} ever allows at once: split the call, or raise the limit`,
      );
  return units;
}
