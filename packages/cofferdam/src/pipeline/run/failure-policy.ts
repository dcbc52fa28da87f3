import type { StageLane } from "./stage-lane.ts";

/** What a run asks for in place of what its stages say; null: what they say. */
export interface FailurePolicy {
  readonly onFail: "go on" | "stop" | null;
  readonly maxFailed: string | number | null;
}

/** What becomes of an item of the stage that has failed. */
export function fateOfFailed(
  { stage }: StageLane,
  wanted: FailurePolicy,
): "quarantine" | "continue" | "stop" {
  const { onFail = "quarantine" } = stage.definition;
  if (wanted.onFail === "stop") return "stop";
  return wanted.onFail === "go on" && onFail === "stop" ? "quarantine" : onFail;
}

/** Says so when more items of the stage have failed than may. */
export function tooManyFailed(lane: StageLane, wanted: FailurePolicy): string | null {
  const bound = wanted.maxFailed ?? lane.stage.definition.maxFailed;
  if (bound === undefined) return null;
  const { failed, quarantined } = lane.counts;
  const most = typeof bound === "number" ? bound : (expectedItems(lane) * parseFloat(bound)) / 100;
  const all = failed + quarantined;
  return all > most ? `more than ${bound} of ${lane.name} failed: ${all}` : null;
}

/** How many items a stage will have, as far as that can be said. */
function expectedItems(lane: StageLane): number {
  const before = lane.upstream ? expectedItems(lane.upstream) : 0;
  return Math.max(lane.counts.discovered, before);
}
