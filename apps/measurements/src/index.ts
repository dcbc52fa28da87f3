export { createCommand } from "./command.ts";
export { checkLoad, type CheckedLoad, type CheckLoadOptions } from "./generate/check-load.ts";
export type { ExpectedFile, ExpectedLoad } from "./generate/expected.ts";
export { generateLoad, type GenerateOptions } from "./generate/generate.ts";
export {
  runPipeline,
  type PipelineMode,
  type PipelineOptions,
  type PipelineResult,
} from "./pipeline/pipeline.ts";
export { loadProcedures } from "./procedures/load-procedures.ts";
export type { Procedure, Procedures, ValueType } from "./procedures/procedures.ts";
export { detectSegments, nameSegment, type Segment } from "./segments/detect.ts";
export { preprocess, type PreprocessOptions } from "./segments/preprocess.ts";
export { runErrorCodes } from "./segments/run-error.ts";
export { rejectionCodes } from "./stage/rejection.ts";
export { stage, type StageOptions } from "./stage/stage.ts";
export type { ProcessTimes, Refusal, StageResult } from "./running/stage-result.ts";
