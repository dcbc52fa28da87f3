/** Why the first stage refuses a file. The codes are documented in `docs/guides/measurements.md`. */
export const rejectionCodes = {
  EMPTY_FILE: "The file is empty.",
  NO_PROCEDURE: "It has no line `#Procedure: <…>`.",
  NO_DATA: "There is no table after its header.",
  NO_ROWS: "Its table has names of columns and no rows.",
  NO_COLUMNS: "None of its columns is declared, and only those were asked for.",
  UNREADABLE: "It could not be read.",
  FAILED: "Its worker failed on it for a reason that is not foreseen.",
  WORKER_LOST: "Its worker ended, or was ended, before it gave a result.",
} as const;

export type RejectionCode = keyof typeof rejectionCodes;

/** A file that cannot be staged. */
export class Rejection extends Error {
  readonly code: RejectionCode;

  constructor(code: RejectionCode, message: string) {
    super(message);
    this.name = "Rejection";
    this.code = code;
  }
}
