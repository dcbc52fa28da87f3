import type { FailureCause } from "../config/index.ts";
import type { ErrorCode } from "../../errors/index.ts";

/** One try at one item. Paths are absolute but for what a command is given in its words. */
export interface Work {
  readonly key: string;
  /** The input: a file, a line, or for a group the file with its list. */
  readonly input: string;
  /** What a group is made from. */
  readonly inputs: readonly string[] | null;
  /** Where the output is to appear first; null where the stage makes none. */
  readonly output: string | null;
  readonly attempt: number;
  readonly timeoutMs: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly signal: AbortSignal;
  readonly onStart: () => void;
}

export type WorkEnd = WorkDone | WorkFailed | { readonly kind: "cancelled" | "lost" };

export interface WorkDone {
  readonly kind: "done";
  /** To be written to the output; undefined where the work has done that itself. */
  readonly content?: string | Uint8Array;
  readonly encoding?: "latin1" | "utf8";
  readonly durationMs: number;
  readonly peakMemoryBytes: number | null;
}

export interface WorkFailed {
  readonly kind: "failed";
  readonly cause: FailureCause;
  readonly code: ErrorCode;
  readonly message: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly peakMemoryBytes: number | null;
  /** A process that could not even be started: it will not be for any other item. */
  readonly hopeless: boolean;
}

/** Does the work of a stage: a command, or warm workers. */
export interface Executor {
  /** How many items it can be given at once: those that run, and some that wait for a worker. */
  readonly capacity: number;
  run(work: Work): Promise<WorkEnd>;
}

export function failed(
  cause: FailureCause,
  code: ErrorCode,
  message: string,
  more: Partial<WorkFailed> = {},
): WorkFailed {
  return {
    ...{ kind: "failed", cause, code, message, exitCode: null, signal: null },
    ...{ stdout: "", stderr: "", peakMemoryBytes: null, hopeless: false },
    ...more,
  };
}
