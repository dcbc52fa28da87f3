import { errorCode } from "cofferdam";

/** The code that a promise rejects with; a word where it does not. */
export function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(() => "resolved", errorCode);
}

/** What a promise rejects with as `[code, cause]`; a word where it does not. */
export function codeAndCause(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "resolved",
    (error: unknown) => [errorCode(error), error instanceof Error ? error.cause : undefined],
  );
}
