import type { PipelineDefinition } from "./schema.ts";

/**
 * A pipeline in TypeScript: `export default definePipeline({ stages: { … } })` in `cofferdam.ts`,
 * for `cofferdam run`, or as an argument of `runPipeline`. Gives back what it is given, typed.
 */
export function definePipeline(definition: PipelineDefinition): PipelineDefinition {
  return definition;
}
