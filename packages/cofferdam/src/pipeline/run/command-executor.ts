import { relative } from "node:path";
import { errorCode, errorMessage, type ErrorCode } from "../../errors/index.ts";
import type { Scope } from "../../open-scope.ts";
import {
  TaskError,
  taskEnvironment,
  type ExecOptions,
  type TaskResult,
} from "../../scope/index.ts";
import { threadCaps } from "../../budget/thread-caps.ts";
import {
  fillIn,
  namesOutput,
  type FailureCause,
  type Pipeline,
  type Stage,
} from "../config/index.ts";
import { failed, type Executor, type Work, type WorkEnd, type WorkFailed } from "./executor.ts";

/** More than this from a command that prints its output is no output, but a mistake. */
const maxOutputBytes = 256 * 1024 * 1024;
const tailBytes = 64 * 1024;

/** Runs a command for each item. */
export class CommandExecutor implements Executor {
  readonly capacity: number;
  readonly #scope: Pick<Scope, "exec">;
  readonly #words: readonly string[];
  readonly #params: Readonly<Record<string, unknown>>;
  readonly #printsOutput: boolean;
  readonly #folder: string;
  readonly #exec: ExecOptions;

  constructor(scope: Pick<Scope, "exec">, { stage, pipeline, folder, workers }: CommandSetting) {
    this.#scope = scope;
    this.#words = stage.run ?? [];
    this.#params = pipeline.params ?? {};
    this.#folder = folder;
    this.capacity = workers;
    this.#printsOutput = stage.out !== undefined && !namesOutput(this.#words);
    this.#exec = { ...execOptionsOf(stage), cwd: folder, encoding: "latin1", reject: false };
  }

  /** The words of the command for an item. */
  command({ key, input, output }: Pick<Work, "key" | "input" | "output">): string[] {
    const names = {
      key,
      input: this.#shown(input),
      output: output === null ? "" : this.#shown(output),
      params: this.#params,
    };
    return this.#words.map((word) => fillIn(word, names));
  }

  async run(work: Work): Promise<WorkEnd> {
    let result: TaskResult;
    try {
      work.onStart();
      result = await this.#scope.exec(this.command(work), {
        ...this.#exec,
        maxOutput: this.#printsOutput ? maxOutputBytes : tailBytes,
        signal: work.signal,
        ...(work.timeoutMs === undefined ? {} : { timeout: work.timeoutMs }),
        ...(work.memoryBytes === undefined ? {} : { memory: work.memoryBytes }),
      });
    } catch (error) {
      const code = errorCode(error);
      if (code === "CANCELLED" || code === "CLOSED") return { kind: "cancelled" };
      if (code !== "INVALID_ARGUMENT" && code !== "SPAWN") throw error;
      return failed("exit", code, errorMessage(error));
    }
    if (result.outcome === "cancelled") return { kind: "cancelled" };
    if (result.outcome === "lost") return { kind: "lost" };
    const peakMemoryBytes = result.peakMemoryBytes.value;
    if (result instanceof TaskError) return this.#failure(result);
    if (!this.#printsOutput)
      return { kind: "done", durationMs: result.durationMs, peakMemoryBytes };
    if (result.truncated)
      return failed("output", "OUTPUT", "it printed more than 256 MiB; let it write {out} itself");
    return {
      ...{ kind: "done", content: result.stdout, encoding: "latin1" },
      ...{ durationMs: result.durationMs, peakMemoryBytes },
    };
  }

  #failure(error: TaskError): WorkFailed {
    const words = error.command;
    return failed(causeOf(error.code), error.code, error.message, {
      exitCode: error.exitCode,
      signal: error.signal,
      stdout: this.#printsOutput ? "" : error.stdout,
      stderr: Buffer.from(error.stderr, "latin1").toString(),
      peakMemoryBytes: error.peakMemoryBytes.value,
      hopeless: isHopeless(error.startFailure) && words[0] === this.#words[0],
    });
  }

  /** Commands run in the pipeline's folder: what lies below it is named from there. */
  #shown(path: string): string {
    const short = relative(this.#folder, path);
    return short === "" || short.startsWith("..") ? path : short;
  }
}

/** A program that cannot be started will not be for other items; words that are too long are these. */
function isHopeless(failure: TaskResult["startFailure"]): boolean {
  return failure?.stage === "exec" && failure.code !== "E2BIG";
}

export interface CommandSetting {
  readonly stage: Stage;
  readonly pipeline: Pipeline;
  readonly folder: string;
  readonly workers: number;
}

/** The bounds that do not change from try to try. */
export function execOptionsOf(stage: Stage): ExecOptions {
  const { cpus, threads, processes } = stage.resources ?? {};
  const caps = threads === undefined ? {} : threadCaps(threads);
  return {
    // Put together once: doing it for each item is a good part of what a start costs.
    env: { ...taskEnvironment(), ...caps, ...stage.env },
    inheritEnv: false,
    ...(threads === undefined ? {} : { threads }), // also for the jobserver
    ...(cpus === undefined ? {} : { cpus }),
    ...(processes === undefined ? {} : { processes }),
    ...(stage.grace === undefined ? {} : { grace: stage.grace }),
    ...(stage.ipc === undefined ? {} : { ipc: stage.ipc }),
  };
}

const causes: Partial<Record<ErrorCode, FailureCause>> = {
  TIMEOUT: "timeout",
  MEMORY: "memory",
  SIGNAL: "signal",
  CRASH: "crash",
  INPUT: "input",
  OUTPUT: "output",
  NO_OUTPUT: "output",
};

export function causeOf(code: ErrorCode): FailureCause {
  return causes[code] ?? "exit";
}
