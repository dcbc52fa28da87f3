import { CofferdamError, type ErrorCode } from "../errors/index.ts";
import type { ProcessEnd } from "../keeper/index.ts";
import type { RemoteError } from "../worker/messages.ts";
import { formatBytes, formatDuration } from "../units/index.ts";

/** A pool's task that gave no result. `code` is `TASK_FAILED` when the worker's function threw. */
export class PoolTaskError extends CofferdamError {
  /** How often it was tried. */
  readonly attempts: number;
  /** What the function threw, when it did; `remote.code` is the thrown error's own code. */
  readonly remote: RemoteError | undefined;

  /** It has killed two workers or more: it should be looked at, and not be tried again. */
  readonly quarantined: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    attempts: number,
    remote?: RemoteError,
    quarantined = false,
  ) {
    super(code, message, remote ? { cause: revive(remote) } : undefined);
    this.name = "PoolTaskError";
    this.attempts = attempts;
    this.remote = remote;
    this.quarantined = quarantined;
  }
}

export function cancelled(why: string, attempts: number): PoolTaskError {
  return new PoolTaskError("CANCELLED", why, attempts);
}

/** What a worker tells of itself has a code of its own; all else is the function's failure. */
export function remoteCode({ name, code }: RemoteError): ErrorCode {
  const own = code === "UNKNOWN_FUNCTION" || code === "NOT_SERIALIZABLE";
  return name === "CofferdamError" && own ? code : "TASK_FAILED";
}

function revive(remote: RemoteError): Error {
  const error = new Error(remote.message);
  error.name = remote.name;
  if (remote.stack !== undefined) error.stack = remote.stack;
  return error;
}

export interface WorkerBounds {
  readonly timeoutMs: number | undefined;
  readonly memoryBytes: number | undefined;
}

/** Why a worker's end left its task without a result. */
export function explainWorkerEnd(
  end: ProcessEnd,
  stderr: string,
  bounds: WorkerBounds,
): { code: ErrorCode; message: string } {
  if (end.startFailure)
    return {
      code: "SPAWN",
      message: `its worker could not be started (${end.startFailure.stage}: ${end.startFailure.code})`,
    };
  if (end.cause === "stuck")
    return { code: "STUCK", message: "its worker was killed, and the kernel does not let it die" };
  if (end.cause === "processes")
    return { code: "PROCESSES", message: "it had more processes than its bound, and was killed" };
  if (end.cause === "timeout")
    return {
      code: "TIMEOUT",
      message: `it was still running after ${formatDuration(bounds.timeoutMs ?? 0)}, and was ended with all its processes`,
    };
  if (end.cause === "memory")
    return {
      code: "MEMORY",
      message: `it used ${formatBytes(end.peakMemoryBytes.value)}, above its bound of ${formatBytes(bounds.memoryBytes ?? 0)}, and was killed`,
    };
  // V8 gives up before the bound when its own heap is the smaller one.
  if (/heap out of memory|Array buffer allocation failed/i.test(stderr))
    return { code: "MEMORY", message: "its JavaScript heap ran out of memory" };
  if (end.cause === "stopped") return { code: "CANCELLED", message: "it was cancelled" };
  if (end.cause === "keeper-lost")
    return { code: "KEEPER_LOST", message: "the keeper process died, and the worker with it" };
  const how =
    end.signal !== null || end.exitCode === null
      ? `was ended by ${end.signal ?? "SIGKILL"}`
      : `ended with exit code ${end.exitCode}`;
  return {
    code: "CRASH",
    message: `its worker ${how} before it gave a result${tail(stderr)}`,
  };
}

/** As many as the trace of a crash in Python's native code has, whose innermost call comes first. */
const logLines = 20;
const logCharacters = 2400;

/** The last lines of what a worker said. */
export function tail(stderr: string): string {
  const lines = stderr.trim().split("\n").slice(-logLines).join("\n").slice(-logCharacters);
  return lines === "" ? "" : `:\n${lines}`;
}
