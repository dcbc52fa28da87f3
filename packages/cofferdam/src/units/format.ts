/*
 * Numbers for people. These are for display only and never throw: what is not a number shows as "?",
 * and what is below zero (a clock set back) as zero.
 */

/** `320 ms`, `3.1 s`, `42 s`, `2 min 05 s`, `1 h 02 min`, `2 d 03 h`; `parseDuration` reads them. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "?";
  if (ms <= 0) return "0 s";
  if (ms < 999.5) return `${Math.max(1, Math.round(ms))} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  // Rounded once, to what is shown: 59.6 s must be "1 min 00 s", not "60 s".
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(seconds, 60, "min", "s");
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1440) return pair(minutes, 60, "h", "min");
  return pair(Math.round(ms / 3_600_000), 24, "d", "h");
}

function pair(small: number, perLarge: number, large: string, unit: string): string {
  const rest = String(small % perLarge).padStart(2, "0");
  return `${Math.floor(small / perLarge)} ${large} ${rest} ${unit}`;
}

/** Decimal units, as disks and `parseSize("2 GB")` have them: `999 B`, `1.5 GB`, `210 MB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "?";
  let value = Math.max(0, bytes);
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (value < 999.5) return `${shortNumber(value, unit === "B" ? 0 : 1)} ${unit}`;
    value /= 1000;
  }
  return `${shortNumber(value, 1)} TB`;
}

/** `12,345`. */
export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return "?";
  return String(Math.max(0, Math.round(count))).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Per second, minute or hour, whichever gives at least one: `3.2/s`, `45/min`, `12/h`. */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return "?";
  if (perSecond <= 0) return "0/s";
  if (perSecond >= 0.9995) return `${shortNumber(perSecond, 1)}/s`;
  if (perSecond * 60 >= 0.9995) return `${shortNumber(perSecond * 60, 1)}/min`;
  return `${shortNumber(perSecond * 3600, 1)}/h`;
}

/** `2026-11-21 10:12`, in local time, of milliseconds since the epoch. */
export function formatMinute(at: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "?";
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Decimals below ten, where they say something; whole above. */
function shortNumber(value: number, decimals: number): string {
  return value < 9.95 ? value.toFixed(decimals).replace(/\.0$/, "") : formatCount(value);
}
