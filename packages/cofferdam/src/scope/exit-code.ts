import { signalNumber } from "../keeper/index.ts";
import { TaskError, type TaskResult } from "./task-result.ts";

/** As `timeout`, `env` and shells have them. A command may end with the same codes itself. */
export const conventionalCodes = {
  timeout: 124,
  memory: 137,
  leak: 122,
  own: 125,
  notExecutable: 126,
  notFound: 127,
} as const;

/** The exit code that a shell would give for a command that ended so. */
export function exitCodeOf(result: TaskResult): number {
  if (result.startFailure) return startCode(result.startFailure);
  if (result instanceof TaskError && result.code === "LEAK") return conventionalCodes.leak;
  if (result.outcome === "timeout") return conventionalCodes.timeout;
  if (result.outcome === "memory") return conventionalCodes.memory;
  if (result.outcome === "lost" || result.outcome === "stuck") return conventionalCodes.own;
  if (result.signal !== null) return 128 + signalNumber(result.signal);
  return result.exitCode ?? conventionalCodes.own;
}

function startCode({ stage, code }: { stage: string; code: string }): number {
  if (stage !== "exec") return conventionalCodes.own;
  return code === "ENOENT" ? conventionalCodes.notFound : conventionalCodes.notExecutable;
}
