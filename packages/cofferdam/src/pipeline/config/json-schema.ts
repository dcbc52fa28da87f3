import { z } from "zod";
import { pipelineSchema } from "./schema.ts";

/** The JSON Schema of a pipeline's file, for editors: `schemas/pipeline-1.schema.json`. */
export function makeSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(pipelineSchema, { io: "input" }) };
}
