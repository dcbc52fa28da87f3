export type { AttributionOptions, LeftProcess, Reason, RootProcess } from "./attribution.ts";
export {
  Census,
  type CensusOptions,
  type EmptinessReport,
  openCensus,
  type Watch,
} from "./census.ts";
export type { Comparison, NewObjects } from "./comparison.ts";
export { describeProcess, formatComparison } from "./format.ts";
export {
  COOKIE_VARIABLE,
  openDescriptors,
  type ProcessEntry,
  type ProcessStat,
  processKey,
  readProcess,
  readProcesses,
  readProcessStat,
} from "./processes.ts";
export { runFolder, type Snapshot, takeSnapshot } from "./snapshot.ts";
