import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { CofferdamError } from "../../errors/index.ts";
import type { Scope } from "../../open-scope.ts";
import type { TaskResult } from "../../scope/index.ts";
import type { LoadedPipeline } from "../config/index.ts";
import { trackedParams } from "../plan/index.ts";
import { PipelineState } from "../state/pipeline-state.ts";
import { CommandExecutor, execOptionsOf } from "../run/command-executor.ts";
import { functionOf, memoryOf, sourceOf } from "../run/executors.ts";
import type { StageFunctions } from "../run/module-executor.ts";
import type { FoundItem } from "./find-items.ts";

export interface Replay {
  /** Where its output is; the pipeline's own outputs are not touched. Null where it makes none. */
  readonly output: string | null;
  /** Variables that it had when it failed, and that are not set now. */
  readonly missing: readonly string[];
  /** For a command. */
  readonly result: TaskResult | null;
  /** For a function. */
  readonly value: unknown;
}

/**
 * Runs an item once more in the foreground, with the same input, bounds and variables, and writes
 * its output into a folder of its own. Records nothing. For a function, rejects with what it threw.
 */
export async function replayItem(
  loaded: LoadedPipeline,
  item: FoundItem,
  scope: Scope,
): Promise<Replay> {
  const { folder, pipeline } = loaded;
  const stage = pipeline.stages[item.stage];
  if (!stage) throw new CofferdamError("INVALID_ARGUMENT", `there is no stage ${item.stage}`);
  const { key, output: name } = item.row;
  const place = join(folder, ".cofferdam", "replay");
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const output = name === null ? null : join(place, basename(name));
  const inputs = await membersOf(loaded, item);
  const isLines = typeof stage.each === "object" && !Array.isArray(stage.each);
  const list = join(place, "inputs.txt");
  if (inputs) writeFileSync(list, inputs.map((path) => `${path}\n`).join(""));
  const input = inputs ? list : isLines ? key : join(folder, key);
  if (!isLines && !existsSync(input))
    throw new CofferdamError("INPUT", `its input is no longer there: ${input}`);
  if (output !== null && (stage.out?.endsWith("/") ?? false)) mkdirSync(output);
  const limits = item.failure?.limits ?? { timeoutMs: null, memoryBytes: memoryOf(stage) ?? null };
  const bounds = {
    ...(limits.timeoutMs === null ? {} : { timeout: limits.timeoutMs }),
    ...(limits.memoryBytes === null ? {} : { memory: limits.memoryBytes }),
  };
  const known = new Set([...Object.keys(process.env), ...Object.keys(stage.env ?? {})]);
  const missing = (item.failure?.environment ?? []).filter((variable) => !known.has(variable));
  if (stage.run) {
    const words = new CommandExecutor(scope, { stage, pipeline, folder, workers: 1 });
    const result = await scope.exec(words.command({ key, input, output }), {
      ...execOptionsOf(stage),
      ...bounds,
      ...{ cwd: folder, reject: false, stdin: "inherit", stdout: "inherit", stderr: "inherit" },
    });
    return { output, missing, result, value: undefined };
  }
  const source = sourceOf(stage, folder);
  if (source === null) return { output, missing, result: null, value: undefined };
  const { threads } = stage.resources ?? {};
  const pool = scope.pool<StageFunctions>(source, {
    ...{ workers: 1, retries: { crash: 0 }, output: "inherit" },
    ...bounds,
    ...(threads === undefined ? {} : { threads }),
    ...(stage.ipc === undefined ? {} : { ipc: stage.ipc }),
    ...(stage.env ? { env: stage.env } : {}),
  });
  const value = await pool.run(functionOf(stage), {
    ...{ key, in: input, inputs, out: output, attempt: 1 },
    params: trackedParams(stage, pipeline),
  });
  if (output !== null && (typeof value === "string" || value instanceof Uint8Array))
    writeFileSync(output, value);
  return { output, missing, result: null, value };
}

async function membersOf(
  { folder, pipeline }: LoadedPipeline,
  { stage, row }: FoundItem,
): Promise<string[] | null> {
  if (pipeline.stages[stage]?.gather === undefined) return null;
  using state = await PipelineState.openForReading(folder);
  const id = state?.manifest.findStage(stage) ?? null;
  if (!state || id === null) return [];
  return Array.from(state.manifest.members(id, row.key), (path) => join(folder, path));
}
