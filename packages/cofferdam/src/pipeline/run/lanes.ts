import { CofferdamError } from "../../errors/index.ts";
import type { PipelineManifest } from "../manifest/index.ts";
import type { PlannedStage, StageSummary } from "../plan/index.ts";
import { workersOf } from "./executors.ts";
import { StageLane } from "./stage-lane.ts";
import { StageQueue } from "./stage-queue.ts";

/** A lane for each stage, in the same order, each knowing those before and after it. */
export function makeLanes(
  stages: readonly PlannedStage[],
  summaries: readonly StageSummary[],
  manifest: PipelineManifest,
  slots: number,
): StageLane[] {
  const lanes = stages.map((stage, index) => {
    const summary = summaries[index];
    if (!summary) throw new CofferdamError("INVALID_ARGUMENT", `${stage.name} was not planned`);
    const workers = workersOf(stage.definition, slots);
    return new StageLane(stage, new StageQueue(manifest, stage.id), workers, summary);
  });
  for (const lane of lanes) {
    const upstream = lanes.find(({ stage }) => stage === lane.stage.upstream);
    if (!upstream)
      lane.open = true; // it is not run with us: what it has made is what there is
    else {
      lane.upstream = upstream;
      upstream.downstream.push(lane);
    }
  }
  return lanes;
}
