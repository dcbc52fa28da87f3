import { errorCode, errorMessage, PoolTaskError } from "cofferdam";
import { DOCUMENT_ERROR_CODES } from "./embedded/index.ts";
import { MARKER_ERROR_CODES } from "./marker/marker-error.ts";

/** What can become of a document that is not converted: the engine's reasons and the runtime's. */
export const failureCodes: readonly string[] = [
  ...DOCUMENT_ERROR_CODES,
  ...MARKER_ERROR_CODES,
  "UNREADABLE",
  "KEEPER_LOST",
  "WORKER_START",
  "SPAWN",
  "STUCK",
  "OUTPUT",
  "ENGINE",
];

/** Whether a failure is the document's own: the same bytes, read in the same way, fail again. */
export function isLastingFailure(code: string): boolean {
  return DOCUMENT_ERROR_CODES.some((known) => known === code);
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: "it cannot be opened: it is gone, or its name is not valid UTF-8 (then rename it)",
  EACCES: "it cannot be read: permission is denied",
  EPERM: "it cannot be read: permission is denied",
  EISDIR: "it is a folder, not a file",
};

/** A failure's code, from the closed list above, and a sentence for a person. */
export function explainFailure(error: unknown): { code: string; message: string } {
  const thrown =
    error instanceof PoolTaskError ? (error.remote?.code ?? error.code) : errorCode(error);
  const code = thrown ?? "ENGINE";
  const message = errorMessage(error);
  if (/^E[A-Z]+$/.test(code))
    return { code: "UNREADABLE", message: unreadable[code] ?? `it cannot be read: ${message}` };
  if (failureCodes.includes(code)) return { code, message };
  return {
    code: "ENGINE",
    message: `the engine gave up on it: ${message}. Please report it, with the document if you can`,
  };
}
