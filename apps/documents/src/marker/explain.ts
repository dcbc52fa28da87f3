import { TaskError, type TaskResult } from "cofferdam";
import { MarkerError } from "./marker-error.ts";
import { findAbnormalDeath, findReason, findSetupProblem } from "./symptoms.ts";

/** Why there is no text for the document that `marker_single` was given. */
export function explainSingle(result: TaskResult, isEmpty: boolean): Error {
  const { stderr } = result;
  if (result instanceof TaskError) {
    if (result.code === "TIMEOUT" || result.code === "MEMORY")
      return markerError(result.code, plain(result), stderr, result);
    const setup = findSetupProblem(stderr);
    if (setup !== null) return setupError(setup, result);
    const reason = findReason(stderr, null);
    const why = reason === null ? "" : `: ${reason}`;
    if (result.code === "SIGNAL")
      return markerError("CRASH", `${plain(result)}${why}`, stderr, result);
    if (result.code === "EXIT")
      return markerError(
        "MARKER_FAILED",
        `Marker gave up on it (exit code ${result.exitCode ?? "unknown"})${why}`,
        stderr,
        result,
      );
    return result;
  }
  if (isEmpty) return emptyText();
  return markerError(
    "NO_OUTPUT",
    "Marker ended with exit code 0, and wrote no text for it",
    stderr,
  );
}

/** Marker has finished with a document, and there are no words. */
export function emptyText(): MarkerError {
  return new MarkerError("NO_OUTPUT", "Marker found no text in it: what it wrote is empty");
}

/** Why there is no text for one input of a `marker` that went through its whole folder. */
export function explainInBatch(stderr: string, file: string): MarkerError {
  const reason = findReason(stderr, file);
  if (reason !== null) return new MarkerError("MARKER_FAILED", `Marker gave up on it: ${reason}`);
  return new MarkerError("NO_OUTPUT", "Marker ended with exit code 0, and wrote no text for it");
}

/** The installation is at fault, not the document. */
export function setupError(problem: string, cause?: unknown): MarkerError {
  return new MarkerError("MARKER_SETUP", `Marker cannot convert anything here: ${problem}`, {
    cause,
  });
}

/** How a program ended that did not end well, as part of a sentence; null if it did. */
export function describeEnd(result: TaskResult): string | null {
  const death = findAbnormalDeath(result.stderr);
  if (result instanceof TaskError)
    return [plain(result), death].filter((part) => part !== null).join("; ");
  return death;
}

function markerError(
  code: "TIMEOUT" | "MEMORY" | "CRASH" | "MARKER_FAILED" | "NO_OUTPUT",
  message: string,
  stderr: string,
  cause?: unknown,
): MarkerError {
  const death = findAbnormalDeath(stderr);
  return new MarkerError(code, death === null ? message : `${message}; ${death}`, { cause });
}

/** The error's own sentence, without the program's path and the lines that it wrote. */
function plain(error: TaskError): string {
  const [first = ""] = error.message.split("\n");
  const program = JSON.stringify(error.command[0] ?? "").slice(1, -1);
  return first.startsWith(program) ? `Marker${first.slice(program.length)}` : first;
}
