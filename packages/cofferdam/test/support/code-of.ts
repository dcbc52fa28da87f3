import { errorCode } from "cofferdam";

/** The code that a promise rejects with; a word where it does not. */
export function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(() => "resolved", errorCode);
}
