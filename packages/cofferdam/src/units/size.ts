import { quoteValue, UnitError } from "./unit-error.ts";

/** Bytes as a number, or text with a unit: `"2 GB"`, `"512MiB"`, `"64K"`. */
export type Size = number | string;

const ACCEPTED =
  'give bytes as a number, or text like "2 GB" (powers of 1000), "512MiB" or "64K" (powers of 1024)';

const SIZE = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?b)?|b)?$/i;

/**
 * Turns a size into whole bytes. `KB MB GB TB` are powers of 1000 (SI); `KiB MiB GiB TiB` and the
 * bare `K M G T` are powers of 1024, as in systemd and cgroup files. Upper and lower case are the
 * same; text without a unit is bytes.
 *
 * @throws {UnitError} for anything else, negative and not finite numbers included.
 */
export function parseSize(value: Size): number {
  const bytes = typeof value === "number" ? value : parseText(value);
  if (!(bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER)) throw refuse(value);
  return bytes > 0 ? Math.max(1, Math.round(bytes)) : 0;
}

function parseText(value: unknown): number {
  if (typeof value !== "string") throw refuse(value);
  const match = SIZE.exec(value.trim());
  if (!match) throw refuse(value);
  const [, amount, prefix, suffix] = match;
  const power = prefix === undefined ? 0 : "kmgt".indexOf(prefix.toLowerCase()) + 1;
  return Number(amount) * (suffix?.toLowerCase() === "b" ? 1000 : 1024) ** power;
}

function refuse(value: unknown): UnitError {
  return new UnitError(`${quoteValue(value)} is not a size: ${ACCEPTED}`);
}
