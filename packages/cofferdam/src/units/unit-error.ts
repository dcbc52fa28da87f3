import { CofferdamError } from "../errors/index.ts";

/**
 * A duration or a size that cannot be understood (`INVALID_ARGUMENT`). The message names the text and
 * what is accepted.
 */
export class UnitError extends CofferdamError {
  override readonly name = "UnitError";

  constructor(message: string) {
    super("INVALID_ARGUMENT", message);
  }
}

/** Shows a refused value in a message: quoted, on one line, and not longer than a person reads. */
export function quoteValue(value: unknown): string {
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
