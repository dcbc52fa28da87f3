import type { ValueType } from "../procedures/procedures.ts";

const numberWithUnit = /^\s*([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\s*\S*\s*$/i;
const plainNumber = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;
const specialNumbers: Readonly<Record<string, number>> = {
  nan: NaN,
  inf: Infinity,
  infinity: Infinity,
};

/** The number that a whole text is; null when it is none. `nan` and `inf` are numbers. */
export function parseNumber(text: string): number | null {
  const trimmed = text.trim();
  if (plainNumber.test(trimmed)) return Number(trimmed);
  const isNegative = trimmed.startsWith("-");
  const special = specialNumbers[trimmed.replace(/^[-+]/, "").toLowerCase()];
  if (special === undefined) return null;
  return isNegative ? -special : special;
}

/** The number at the start of a text such as `100 ms`; null when there is none. */
export function parseQuantity(text: string): number | null {
  const leading = numberWithUnit.exec(text)?.[1];
  return leading === undefined ? parseNumber(text) : Number(leading);
}

export function parseBoolean(text: string): boolean {
  return ["1", "true", "yes", "on", "y"].includes(text.trim().toLowerCase());
}

/** A header's value as a number; null when it is missing or no number by its type. */
export function numberOf(text: string | undefined, type: ValueType | undefined): number | null {
  if (text === undefined) return null;
  if (type === "int") {
    const value = parseQuantity(text);
    return value === null ? null : Math.trunc(value);
  }
  return type === "float" ? parseQuantity(text) : parseNumber(text);
}

/** A header's value as text. What does not fit its declared type stays as it is written. */
export function textOf(text: string | undefined, type: ValueType | undefined): string | null {
  if (text === undefined) return null;
  if (type === "bool") return parseBoolean(text) ? "True" : "False";
  if (type === "int" || type === "float" || type === "float_no_unit")
    return String(numberOf(text, type) ?? text);
  return text;
}
