const codes = [
  /** Marker lacks something that no document can do without: its models, a module, a program. */
  "MARKER_SETUP",
  /** Marker gave up on the document. */
  "MARKER_FAILED",
  /** Marker ended well, by its own account, and there is no text. */
  "NO_OUTPUT",
  /** Marker's process died. */
  "CRASH",
  "TIMEOUT",
  "MEMORY",
] as const;

export type MarkerErrorCode = (typeof codes)[number];
export const MARKER_ERROR_CODES: readonly MarkerErrorCode[] = codes;

/** A document that Marker did not convert. */
export class MarkerError extends Error {
  override readonly name = "MarkerError";
  readonly code: MarkerErrorCode;

  constructor(code: MarkerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
