import {
  preparePreprocess,
  type PreparedPreprocess,
  type PreprocessOptions,
} from "../segments/preprocess.ts";
import { stage, type StageOptions } from "../stage/stage.ts";
import type { StageResult } from "../running/stage-result.ts";
import { runInProcess } from "./stage-process.ts";

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
  const { first, second } =
    options.mode === "one" ? await inThisProcess(options) : await inProcesses(options);
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

interface BothStages {
  readonly first: StageRun;
  readonly second: StageRun | null;
}

/**
 * Stage 2 is planned while stage 1's workers are still there, idle: so nothing but their end, and the
 * start of the next ones, lies between the two.
 */
async function inThisProcess(options: PipelineOptions): Promise<BothStages> {
  let plan: Promise<PreparedPreprocess> | undefined;
  const result = await stage({
    ...options.stage,
    beforeEnd: async () => {
      plan = preparePreprocess(options.preprocess);
      await plan.catch(() => undefined); // it is the second stage's, and told by it
    },
  });
  const first = { result, times: result.processTimes };
  if (plan === undefined) return { first, second: null };
  using prepared = await plan;
  const segmented = await prepared.run();
  return { first, second: { result: segmented, times: segmented.processTimes } };
}

async function inProcesses(options: PipelineOptions): Promise<BothStages> {
  const first = await runInProcess("stage", options.stage);
  if (first.result.interrupted) return { first, second: null };
  return { first, second: await runInProcess("preprocess", options.preprocess) };
}
