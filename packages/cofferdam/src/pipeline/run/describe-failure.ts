import { join } from "node:path";
import { taskEnvironment } from "../../scope/index.ts";
import type { LoadedPipeline } from "../config/index.ts";
import { fillIn } from "../config/index.ts";
import type { ItemRow } from "../manifest/index.ts";
import type { PlannedStage } from "../plan/index.ts";
import type { FailureRecord } from "./failures.ts";
import type { ItemEnd } from "./item-work.ts";

/** Puts together what a person needs to understand a failure, and `replay` to repeat it. */
export function describeFailure(
  { pipeline, folder }: LoadedPipeline,
  stage: PlannedStage,
  row: ItemRow,
  end: Extract<ItemEnd, { kind: "failed" }>,
  durationMs: number,
): Omit<FailureRecord, "folder"> {
  const { definition, name } = stage;
  const { failure, attempts, timeoutMs, memoryBytes } = end;
  const output = row.output === null ? "" : join(folder, row.output);
  const names = { key: row.key, input: row.key, output, params: pipeline.params ?? {} };
  return {
    ...{ stage: name, item: row.key, attempts, durationMs },
    ...{ code: failure.code, cause: failure.cause, message: failure.message },
    ...{ exitCode: failure.exitCode, signal: failure.signal },
    peakMemoryBytes: failure.peakMemoryBytes,
    at: new Date().toISOString(),
    command: definition.run?.map((word) => fillIn(word, names)) ?? null,
    module: definition.module ?? definition.python ?? null,
    environment: Object.keys(taskEnvironment(definition.env)).sort(),
    limits: { timeoutMs: timeoutMs ?? null, memoryBytes: memoryBytes ?? null },
  };
}
