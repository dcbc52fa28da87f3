import { parseNumber } from "./cast.ts";

/** Powers of ten that a double holds exactly. */
const exactPowers = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const digitsMax = 15;
const minus = 0x2d;
const plus = 0x2b;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;
const lowerE = 0x65;

/**
 * The number in these bytes; `undefined` for an empty cell, null for one that is no number.
 *
 * Up to 15 digits and a power of ten that is exact need one correctly rounded operation, so that
 * the result is that of `Number` on the text (Clinger, "How to read floating point numbers
 * accurately", 1990). All other cells take that slower way.
 */
export function parseNumberBytes(
  bytes: Buffer,
  start: number,
  end: number,
): number | null | undefined {
  if (start >= end) return undefined;
  let at = start;
  let byte = bytes[at];
  const isNegative = byte === minus;
  if (isNegative || byte === plus) byte = bytes[++at];
  let hasDigits = false;
  let digits = 0;
  let mantissa = 0;
  let decimals = 0;
  let seenPoint = false;
  for (; at < end && byte !== undefined; byte = bytes[++at]) {
    if (byte >= zero && byte <= nine) {
      hasDigits = true;
      mantissa = mantissa * 10 + (byte - zero);
      if (mantissa !== 0) digits++;
      if (seenPoint) decimals++;
    } else if (byte === point && !seenPoint) {
      seenPoint = true;
    } else break;
  }
  if (!hasDigits || digits > digitsMax) return slowly(bytes, start, end);
  let exponent = 0;
  if (at < end) {
    const read = ((byte ?? 0) | 0x20) === lowerE ? readExponent(bytes, at + 1, end) : null;
    if (read === null) return slowly(bytes, start, end);
    exponent = read;
  }
  exponent -= decimals;
  if (exponent < -22 || exponent > 22) return slowly(bytes, start, end);
  const power = exactPowers[Math.abs(exponent)] ?? 1;
  const value = exponent < 0 ? mantissa / power : mantissa * power;
  return isNegative ? -value : value;
}

/** Null for what is no exponent, or one far from exact. */
function readExponent(bytes: Buffer, start: number, end: number): number | null {
  let at = start;
  const sign = bytes[at];
  if (sign === minus || sign === plus) at++;
  if (at >= end || end - at > 3) return null;
  let exponent = 0;
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < zero || byte > nine) return null;
    exponent = exponent * 10 + (byte - zero);
  }
  return sign === minus ? -exponent : exponent;
}

function slowly(bytes: Buffer, start: number, end: number): number | null | undefined {
  const text = bytes.toString("latin1", start, end).trim();
  return text === "" ? undefined : parseNumber(text);
}
