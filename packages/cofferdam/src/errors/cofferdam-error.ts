import type { ErrorCode } from "./codes.ts";

/**
 * The base of all errors that Cofferdam throws on purpose. `code` is stable and is what a program
 * should look at; `message` says what happened, to which input, and what to do next.
 */
export class CofferdamError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CofferdamError";
    this.code = code;
  }
}

/** The code of a Node or Cofferdam error (`ENOENT`, `TIMEOUT`), if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The message of whatever was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
