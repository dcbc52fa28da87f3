import type { LoadedPipeline } from "../config/index.ts";
import type { StateCounts } from "../manifest/index.ts";
import { inOrder } from "../plan/index.ts";
import { PipelineState } from "../state/pipeline-state.ts";

export interface PipelineStatus {
  /** Null where the pipeline has never run. A run without an end goes on, or was killed. */
  readonly lastRun: {
    readonly startedAtMs: number;
    readonly endedAtMs: number | null;
    readonly outcome: string | null;
  } | null;
  readonly stages: readonly (StateCounts & { readonly stage: string })[];
}

/** How a pipeline's items stand, by what was recorded; looks at no input. */
export async function readStatus({ folder, pipeline }: LoadedPipeline): Promise<PipelineStatus> {
  using state = await PipelineState.openForReading(folder);
  const nothing: StateCounts = { discovered: 0, done: 0, failed: 0, quarantined: 0, pending: 0 };
  return {
    lastRun: state?.manifest.lastRun() ?? null,
    stages: inOrder(pipeline).map((stage) => {
      const id = state?.manifest.findStage(stage) ?? null;
      const counts = state && id !== null ? state.manifest.counts(id) : nothing;
      return { stage, ...counts };
    }),
  };
}
