import type { TaskOutcome } from "../events/index.ts";
import { CofferdamError, type ErrorCode } from "../errors/index.ts";
import type {
  Containment,
  Leak,
  Measured,
  ObjectKind,
  ProcessEnd,
  StuckProcess,
} from "../keeper/index.ts";
import { formatBytes, formatDuration } from "../units/index.ts";

/** How a command ended and what it used. Sizes in bytes, times in milliseconds. */
export interface TaskResult {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly outcome: TaskOutcome;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Set when the command never ran: the step that failed, and the system's code for why. */
  readonly startFailure: { readonly stage: string; readonly code: string } | null;
  /** What was captured; empty where output was not captured. */
  readonly stdout: string;
  readonly stderr: string;
  /** Output beyond `maxOutput` was dropped, the oldest first. */
  readonly truncated: boolean;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** Null where the tree was killed before it could be asked. A lower bound otherwise. */
  readonly cpuMs: { readonly user: number; readonly system: number } | null;
  readonly peakMemoryBytes: Measured;
  readonly processes: {
    readonly started: Measured;
    readonly killed: number;
    readonly left: number;
  };
  readonly leaks: readonly Leak[];
  /** What appeared meanwhile among the machine's objects and is not proved to be the task's. */
  readonly unattributed: readonly Leak[];
  /** Kinds of the machine's objects that could not be looked at: nobody knows what it left of them. */
  readonly unseen: readonly ObjectKind[];
  /** Processes that were killed and do not die; see `processes.left`. */
  readonly stuck: readonly StuckProcess[];
  readonly containment: Containment;
}

/**
 * A command that did not end well: an error with all that a result has. `code` is one of
 * `TIMEOUT`, `MEMORY`, `PROCESSES`, `EXIT`, `SIGNAL`, `CANCELLED`, `KEEPER_LOST`, `STUCK`, `LEAK`, `SPAWN`.
 */
export class TaskError extends CofferdamError implements TaskResult {
  readonly command!: readonly string[];
  readonly cwd!: string;
  readonly outcome!: TaskOutcome;
  readonly exitCode!: number | null;
  readonly signal!: NodeJS.Signals | null;
  readonly startFailure!: TaskResult["startFailure"];
  readonly stdout!: string;
  readonly stderr!: string;
  readonly truncated!: boolean;
  readonly startedAt!: Date;
  readonly durationMs!: number;
  readonly cpuMs!: TaskResult["cpuMs"];
  readonly peakMemoryBytes!: Measured;
  readonly processes!: TaskResult["processes"];
  readonly leaks!: readonly Leak[];
  readonly unattributed!: readonly Leak[];
  readonly unseen!: readonly ObjectKind[];
  readonly stuck!: readonly StuckProcess[];
  readonly containment!: Containment;

  constructor(code: ErrorCode, message: string, result: TaskResult) {
    super(code, message);
    this.name = "TaskError";
    Object.assign(this, result);
  }
}

export interface Bounds {
  readonly timeoutMs?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly processesMax?: number | undefined;
  readonly pids?: number | undefined;
}

/** The outcome that an end stands for. */
export function outcomeOf(end: ProcessEnd): TaskOutcome {
  if (end.cause === "stuck" || end.left > 0) return "stuck";
  if (end.cause === "stopped") return "cancelled";
  if (end.cause === "timeout" || end.cause === "memory") return end.cause;
  if (end.cause === "keeper-lost" || end.cause === "killed") return "lost";
  return end.cause === "own" && end.exitCode === 0 ? "ok" : "failed";
}

/** The code and the sentence for an end that is not `ok`; null for one that is. */
export function explainEnd(
  command: readonly string[],
  end: ProcessEnd,
  bounds: Bounds,
): { code: ErrorCode; message: string } | null {
  const name = quoted(command[0] ?? "");
  const peak = formatBytes(end.peakMemoryBytes.value);
  if (end.startFailure) {
    const { stage, code } = end.startFailure;
    return { code: "SPAWN", message: `${name} could not be started: ${startReason(stage, code)}` };
  }
  if (end.cause === "stuck" || end.left > 0)
    return {
      code: "STUCK",
      message: `${name} was killed, and ${end.left} of its processes do not die: the kernel keeps them (state D); they are not gone`,
    };
  switch (end.cause) {
    case "timeout":
      return {
        code: "TIMEOUT",
        message: `${name} was still running after ${formatDuration(bounds.timeoutMs ?? 0)}, and was ended with all its processes`,
      };
    case "memory":
      return {
        code: "MEMORY",
        message: `${name} and its processes used ${peak}, above their bound of ${formatBytes(bounds.memoryBytes ?? 0)}, and were killed`,
      };
    case "processes":
      return {
        code: "PROCESSES",
        message: explainProcesses(name, bounds),
      };
    case "stopped":
      return {
        code: "CANCELLED",
        message: `${name} was cancelled and ended with all its processes`,
      };
    case "keeper-lost":
      return { code: "KEEPER_LOST", message: `${name} ended because the keeper process died` };
    case "killed":
      return { code: "SIGNAL", message: `${name} and all its processes were killed from outside` };
    case "own":
      break;
  }
  if (end.exitCode === 0) return null;
  if (end.signal !== null) {
    // What ended before anybody could look has used something all the same.
    const memory = end.peakMemoryBytes.value > 0 ? ` (peak memory ${peak})` : "";
    return { code: "SIGNAL", message: `${name} was ended by ${end.signal}${memory}` };
  }
  return { code: "EXIT", message: `${name} ended with exit code ${end.exitCode ?? "unknown"}` };
}

/** A polled bound ends the tree; one that the kernel holds refuses what would be above it. */
function explainProcesses(name: string, { processesMax, pids }: Bounds): string {
  if (pids !== undefined && processesMax === undefined)
    return `${name} failed after the kernel had refused it more than ${pids} processes and threads`;
  return `${name} had more than ${processesMax ?? 0} processes, and was killed with all of them`;
}

function startReason(stage: string, code: string): string {
  if (stage === "cwd") return `its working directory cannot be entered (${code})`;
  if (code === "ENOENT") return "there is no such command (ENOENT); check the name and PATH";
  if (code === "EACCES") return "it is not executable (EACCES)";
  return `${stage}: ${code}`;
}

/** A name from outside, safe to show in one line. */
function quoted(name: string): string {
  return JSON.stringify(name).slice(1, -1);
}
