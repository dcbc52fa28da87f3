export { loadPipeline, pipelineFrom, type LoadedPipeline } from "./config/load-pipeline.ts";
export { definePipeline } from "./config/define-pipeline.ts";
export { ConfigError, type ConfigProblem } from "./config/problem.ts";
export type { LimitDefinition, PipelineDefinition, StageDefinition } from "./config/schema.ts";
export { hashFile } from "./files/hash-file.ts";
export { openJoblog, type Joblog } from "./joblog/joblog.ts";
export { joblogEntry } from "./joblog/pipeline-entry.ts";
export { runMap, type MapCommandOptions, type MapCommandResult } from "./map/run-map.ts";
export type { InputSource } from "./map/inputs.ts";
export type { JobOutput } from "./map/ordered-output.ts";
export { openOutputFolder, type OutputFolder } from "./output-folder.ts";
export {
  findItems,
  readStatus,
  replayItem,
  type FoundItem,
  type PipelineStatus,
} from "./inspect/index.ts";
export type { StageSummary, Verdict } from "./plan/index.ts";
export { stagesInOrder } from "./plan/prepare-stages.ts";
export { explainPlainly, runItems } from "./run-items.ts";
export type {
  FileItem,
  ItemFailure,
  ItemResult,
  RunItemsOptions,
  RunItemsResult,
} from "./run-items.ts";
export type { FailureRecord } from "./run/failures.ts";
export type { StageItem } from "./run/module-executor.ts";
export {
  runPipeline,
  type RunPipelineOptions,
  type RunPipelineResult,
  type StageResult,
} from "./run/run-pipeline.ts";
export type { FinishedItem } from "./run/pipeline-run.ts";
