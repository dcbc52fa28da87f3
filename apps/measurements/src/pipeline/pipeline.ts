import { join } from "node:path";
import { preprocess, segmentsRootOf, type PreprocessOptions } from "../segments/preprocess.ts";
import { stage, type StageOptions } from "../stage/stage.ts";
import type { StageResult } from "../work/stage-result.ts";
import { runInProcess, type RunInProcessOptions } from "./stage-process.ts";

/**
 * `one`: both stages are run by this process. `processes`: each by a process of its own, which is
 * gone with all that it started before the other is started.
 */
export const pipelineModes = ["one", "processes"] as const;
export type PipelineMode = (typeof pipelineModes)[number];

export interface PipelineOptions {
  readonly mode: PipelineMode;
  readonly stage: StageOptions;
  readonly preprocess: PreprocessOptions;
}

export interface PipelineResult {
  readonly mode: PipelineMode;
  readonly stage: StageResult;
  /** Null where stage 1 was interrupted or left nothing of the procedure. */
  readonly preprocess: StageResult | null;
  /**
   * From the moment at which the kernel had confirmed the end of stage 1's last process to the start
   * of stage 2's first. Null where one of them started none.
   */
  readonly gapMs: number | null;
  readonly durationMs: number;
}

/**
 * Both stages, one after the other. Stage 1's processes are gone, which the kernel has confirmed,
 * before stage 2 starts any. Rejects as `stage` and `preprocess` do.
 */
export async function runPipeline(options: PipelineOptions): Promise<PipelineResult> {
  const since = performance.now();
  const run = options.mode === "one" ? inThisProcess : inProcesses;
  const first = await run.stage(options.stage);
  const second = first.result.interrupted ? null : await run.preprocess(options.preprocess);
  const { lastGone } = first.times;
  const firstStarted = second?.times.firstStarted ?? null;
  return {
    mode: options.mode,
    stage: first.result,
    preprocess: second?.result ?? null,
    gapMs: lastGone === null || firstStarted === null ? null : firstStarted - lastGone,
    durationMs: performance.now() - since,
  };
}

/** A stage's result, and when its processes began and ended, seen from outside. */
export interface StageRun {
  readonly result: StageResult;
  readonly times: StageResult["processTimes"];
}

interface Runner {
  stage(options: StageOptions): Promise<StageRun>;
  preprocess(options: PreprocessOptions): Promise<StageRun>;
}

const inThisProcess: Runner = {
  stage: async (options) => withTimes(await stage(options)),
  preprocess: async (options) => withTimes(await preprocess(options)),
};

function withTimes(result: StageResult): StageRun {
  return { result, times: result.processTimes };
}

const inProcesses: Runner = {
  stage: ({ onEvent, signal, ...options }) =>
    runInProcess({ kind: "stage", options, ...heard(onEvent, signal) }),
  preprocess: ({ onEvent, signal, ...options }) =>
    runInProcess({ kind: "preprocess", options, ...heard(onEvent, signal) }),
};

function heard(
  onEvent: StageOptions["onEvent"],
  signal: AbortSignal | undefined,
): Pick<RunInProcessOptions, "onEvent" | "signal"> {
  return { ...(onEvent ? { onEvent } : {}), ...(signal ? { signal } : {}) };
}

/** Where the results of a pipeline lie. */
export function resultFolders(options: PipelineOptions): { staged: string; segments: string } {
  const { outputRoot, procedure } = options.preprocess;
  return { staged: join(options.stage.stageRoot), segments: segmentsRootOf(outputRoot, procedure) };
}
