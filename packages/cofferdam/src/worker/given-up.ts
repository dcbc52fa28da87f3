import { CofferdamError } from "../errors/index.ts";

/** What a wait rejects with when its signal has given it up. */
export function givenUp(what: string, signal: AbortSignal): CofferdamError {
  return new CofferdamError("CANCELLED", `the wait for ${what} was given up`, {
    cause: signal.reason,
  });
}

/** Throws that for a signal that is aborted already. */
export function refuseAborted(what: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw givenUp(what, signal);
}
