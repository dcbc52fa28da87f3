import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  CofferdamError,
  errorCodes,
  openScope,
  type ErrorCode,
  type EventListener,
  type TaskResult,
} from "cofferdam";
import type { PreprocessOptions } from "../segments/preprocess.ts";
import type { StageOptions } from "../stage/stage.ts";
import { ProcessClock, type StageResult } from "../running/stage-result.ts";
import type { StageRun } from "./pipeline.ts";

/** Options that can be written down. */
type Told<Options> = Omit<Options, "onEvent" | "signal" | "beforeEnd">;

type OptionsOf<Kind extends StageRequest["kind"]> = Kind extends "stage"
  ? StageOptions
  : PreprocessOptions;

/** What a stage's process is asked, as JSON on its standard input. */
export type StageRequest =
  | { readonly kind: "stage"; readonly options: Told<StageOptions> }
  | {
      readonly kind: "preprocess";
      readonly options: Told<PreprocessOptions>;
    };

/** What it answers, as JSON on its standard output. */
export type StageAnswer =
  | { readonly result: StageResult }
  | { readonly error: { readonly code: string; readonly message: string } };

const program = fileURLToPath(new URL(`./stage-main${extname(import.meta.url)}`, import.meta.url));

/** Runs a stage in a contained process of its own; resolves when that and all below it are gone. */
export async function runInProcess<Kind extends StageRequest["kind"]>(
  kind: Kind,
  { onEvent, signal, ...options }: OptionsOf<Kind>,
): Promise<StageRun> {
  const clock = new ProcessClock(onEvent);
  const ended = await execute(JSON.stringify({ kind, options }), clock.listener, signal);
  const answer = readAnswer(ended);
  if (answer === null) {
    if (signal?.aborted) throw new CofferdamError("CANCELLED", `${kind}: it was interrupted`);
    throw new CofferdamError(
      "CRASH",
      `the process of ${kind} ended without a result (exit code ${ended.exitCode ?? "none"}, signal ${ended.signal ?? "none"}); run it again: it goes on where it was${tail(ended)}`,
    );
  }
  if ("error" in answer) throw new CofferdamError(codeOf(answer.error.code), answer.error.message);
  return { result: answer.result, times: clock.times };
}

async function execute(
  request: string,
  onEvent: EventListener,
  signal: AbortSignal | undefined,
): Promise<TaskResult> {
  await using scope = await openScope({ onEvent });
  return await scope.exec([process.execPath, ...process.execArgv, program], {
    input: request,
    reject: false,
    ...(signal ? { signal } : {}),
  });
}

function readAnswer({ stdout }: TaskResult): StageAnswer | null {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(line) as StageAnswer;
  } catch {
    return null;
  }
}

function codeOf(code: string): ErrorCode {
  return code in errorCodes ? (code as ErrorCode) : "TASK_FAILED";
}

function tail({ stderr }: TaskResult): string {
  const text = stderr.trim().slice(-800);
  return text === "" ? "" : `:\n${text}`;
}
