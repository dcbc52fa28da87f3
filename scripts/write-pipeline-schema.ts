/** Writes the JSON Schema of pipelines; a test compares it with the code. */
import { writeFileSync } from "node:fs";
import { makeSchema } from "../packages/cofferdam/src/pipeline/config/json-schema.ts";

const file = new URL("../packages/cofferdam/schemas/pipeline-1.schema.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(makeSchema(), null, 2)}\n`);
