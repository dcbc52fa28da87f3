import { UsageError } from "./experiment.ts";

/** A whole number that is not negative. Throws a {@link UsageError} for anything else. */
export function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0) {
    throw new UsageError(`${option} takes a whole number, not ${text}`);
  }
  return value;
}
