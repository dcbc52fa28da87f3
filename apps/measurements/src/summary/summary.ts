import type { PipelineResult } from "../pipeline/pipeline.ts";
import type { StageResult } from "../running/stage-result.ts";

/** One line of the summary table. */
export interface SummaryRow {
  readonly stage: StageResult["title"];
  readonly total: number;
  readonly ok: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly pending: number;
  /** Rows staged, or segments written. */
  readonly produced: number;
  readonly seconds: number;
  /** Inputs a second that were worked on or looked at. */
  readonly perSecond: number;
  /** How often each reason for a rejection came, by its code. */
  readonly rejections: Readonly<Record<string, number>>;
  /** Why inputs were worked on or left alone. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Seconds from the end of the stage before it to its first process; null for the first stage. */
  readonly gapSeconds: number | null;
  readonly processesStarted: number;
  readonly processesLeft: number;
  readonly verified: boolean;
  readonly peakMemoryBytes: number;
}

export interface Summary {
  readonly schema: 1;
  readonly mode: PipelineResult["mode"] | null;
  readonly seconds: number;
  readonly gapSeconds: number | null;
  /** The gap's share of the run, from 0 to 1. */
  readonly gapShare: number | null;
  readonly stages: readonly SummaryRow[];
  readonly refusals: readonly (StageResult["refusals"][number] & {
    readonly stage: StageResult["title"];
  })[];
}

export function summarizeStage(result: StageResult): Summary {
  return summarize([result], null, result.durationMs, null);
}

export function summarizePipeline(result: PipelineResult): Summary {
  const stages = [result.stage, ...(result.preprocess ? [result.preprocess] : [])];
  return summarize(stages, result.mode, result.durationMs, result.gapMs);
}

function summarize(
  results: readonly StageResult[],
  mode: Summary["mode"],
  durationMs: number,
  gapMs: number | null,
): Summary {
  const gapSeconds = gapMs === null ? null : gapMs / 1000;
  return {
    schema: 1,
    mode,
    seconds: durationMs / 1000,
    gapSeconds,
    gapShare: gapMs === null ? null : gapMs / durationMs,
    stages: results.map((result, index) => summaryRow(result, index === 0 ? null : gapSeconds)),
    refusals: results.flatMap(({ title, refusals }) =>
      refusals.map((refusal) => ({ stage: title, ...refusal })),
    ),
  };
}

function summaryRow(result: StageResult, gapSeconds: number | null): SummaryRow {
  const { counts, scope } = result;
  const rejections: Record<string, number> = {};
  for (const { code } of result.refusals) rejections[code] = (rejections[code] ?? 0) + 1;
  const seconds = result.durationMs / 1000;
  return {
    stage: result.title,
    total: counts.total,
    ok: counts.ok,
    skipped: counts.skipped,
    rejected: counts.refused,
    pending: counts.pending,
    produced: result.produced,
    seconds,
    perSecond: seconds > 0 ? (counts.total - counts.pending) / seconds : 0,
    rejections,
    reasons: result.reasons,
    gapSeconds,
    processesStarted: scope?.processes.started.value ?? 0,
    processesLeft: scope?.processes.left ?? 0,
    verified: scope?.processes.verified ?? true,
    peakMemoryBytes: scope?.peakMemoryBytes.value ?? 0,
  };
}
