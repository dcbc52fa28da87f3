export { sweepRuns } from "./runs.ts";
export type { FoundRun, Sweep } from "./runs.ts";
