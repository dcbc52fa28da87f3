/** Why the second stage refuses a run. The codes are documented in `docs/guides/measurements.md`. */
export const runErrorCodes = {
  NO_COLUMN: "The run has no column of that name, or it does not hold numbers.",
  NO_SEGMENTS: "No part of its sweep is long enough to be a segment.",
  UNREADABLE: "Its Parquet file could not be read.",
  FAILED: "Its worker failed on it for a reason that is not foreseen.",
  WORKER_LOST: "Its worker ended, or was ended, before it gave a result.",
} as const;

export type RunErrorCode = keyof typeof runErrorCodes;

/** A staged run that cannot be segmented. */
export class RunError extends Error {
  readonly code: RunErrorCode;

  constructor(code: RunErrorCode, message: string) {
    super(message);
    this.name = "RunError";
    this.code = code;
  }
}
