/** When a measurement began, and on which local date. */
export interface Start {
  /** Microseconds since the epoch: a whole number that a double holds exactly. */
  readonly micros: number;
  /** `2024-09-15`, in local time. */
  readonly date: string;
  readonly origin: "meta" | "path" | "mtime";
}

const isoTime =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?\s*(Z|[+-]\d\d:?\d\d)?)?$/i;
const pathDates = [/\b(\d{4})[-_](\d{2})[-_](\d{2})\b/, /\b(\d{4})(\d{2})(\d{2})\b/];
const dayMs = 86_400_000;

/** Decides by the header's start time, else by a date in the path, else by the file's own time. */
export function resolveStart(
  startTime: string | undefined,
  path: string,
  modifiedMs: number,
  zone: LocalZone,
): Start {
  const micros = startTime === undefined ? null : parseTime(startTime);
  if (micros !== null) return { micros, date: zone.dateOf(micros / 1000), origin: "meta" };
  const date = dateInPath(path);
  if (date !== null) return { micros: zone.midnightOf(date) * 1000, date, origin: "path" };
  const modified = Math.round(modifiedMs * 1000);
  return { micros: modified, date: zone.dateOf(modifiedMs), origin: "mtime" };
}

/** Microseconds since the epoch for seconds as text, or for ISO 8601 (UTC where it names no zone). */
export function parseTime(text: string): number | null {
  const trimmed = text.trim();
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(trimmed)) {
    const seconds = Number(trimmed);
    const whole = Math.floor(seconds);
    const micros = whole * 1e6 + Math.round((seconds - whole) * 1e6);
    return Math.abs(micros) <= 8.64e18 / 1000 ? micros : null;
  }
  const found = isoTime.exec(trimmed);
  if (!found) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", offset] = found;
  if (!isDate(Number(year), Number(month), Number(day))) return null;
  const ms = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  return ms * 1000 + Number(fraction.padEnd(6, "0")) - offsetMinutes(offset) * 60e6;
}

/** The first date that a path names, in `YYYY-MM-DD` or `YYYYMMDD`. */
export function dateInPath(path: string): string | null {
  for (const pattern of pathDates) {
    const [, year = "", month = "", day = ""] = pattern.exec(path) ?? [];
    if (isDate(Number(year), Number(month), Number(day))) return `${year}-${month}-${day}`;
  }
  return null;
}

function isDate(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function offsetMinutes(offset: string | undefined): number {
  if (offset === undefined || /^z$/i.test(offset)) return 0;
  const [hours = "0", minutes = "0"] = offset.slice(1).replace(":", "").match(/\d\d/g) ?? [];
  const size = Number(hours) * 60 + Number(minutes);
  return offset.startsWith("-") ? -size : size;
}

/** Dates in one time zone. The constructor throws `RangeError` for a zone that is not known. */
export class LocalZone {
  readonly #format: Intl.DateTimeFormat;

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat("en-CA", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  }

  /** `2024-09-15` for an instant in milliseconds. */
  dateOf(ms: number): string {
    return this.#format.format(ms).slice(0, 10);
  }

  /**
   * The instant, in milliseconds, at which a local date begins. Where the clocks are put forward at
   * midnight it is the instant of the change.
   */
  midnightOf(date: string): number {
    const local = Date.parse(`${date}T00:00:00Z`);
    const before = this.#offsetMs(local - dayMs);
    const after = this.#offsetMs(local + dayMs);
    const candidates = [local - before, local - after];
    return candidates.find((ms) => ms + this.#offsetMs(ms) === local) ?? local - before;
  }

  #offsetMs(ms: number): number {
    const parts = Object.fromEntries(
      this.#format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
  }
}
