export { absences, askVersion, recipeOf, trackedParams, type Recipe } from "./recipe.ts";
export type { Verdict } from "./judge.ts";
export { Planner, type Arrival, type PlanOptions, type StageSummary } from "./planner.ts";
export { prepareStages, stagesInOrder } from "./prepare-stages.ts";
export { inOrder, type PlannedStage } from "./stage-plan.ts";
export { digestGroup } from "./gather.ts";
