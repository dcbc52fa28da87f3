/** A duration or a size that cannot be understood. The message names the text and what is accepted. */
export class UnitError extends RangeError {
  override readonly name = "UnitError";
  readonly code = "INVALID_UNIT";
}

/** Shows a refused value in a message: quoted, on one line, and not longer than a person reads. */
export function quoteValue(value: unknown): string {
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
