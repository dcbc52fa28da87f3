import { relative, resolve } from "node:path";
import type { LoadedPipeline } from "../config/index.ts";
import { itemState, type ItemRow } from "../manifest/index.ts";
import { inOrder } from "../plan/index.ts";
import { PipelineState } from "../state/pipeline-state.ts";
import type { FailureRecord } from "../run/failures.ts";

export interface FoundItem {
  readonly stage: string;
  readonly row: ItemRow;
  readonly state: keyof typeof itemState;
  /** What was kept of its last failure. */
  readonly failure: FailureRecord | null;
}

/**
 * The items that a name stands for, one a stage at most: `STAGE:ITEM`, or the item alone, as the
 * pipeline calls it, or as a path from where you are.
 */
export async function findItems(
  { folder, pipeline }: LoadedPipeline,
  name: string,
): Promise<FoundItem[]> {
  using state = await PipelineState.openForReading(folder);
  if (!state) return [];
  const { manifest } = state;
  const fromHere = relative(folder, resolve(name));
  return inOrder(pipeline).flatMap((stage) => {
    const id = manifest.findStage(stage);
    if (id === null) return [];
    const keys = [name, fromHere];
    if (name.startsWith(`${stage}:`)) keys.push(name.slice(stage.length + 1));
    const row = keys.map((key) => manifest.find(id, key)).find((found) => found !== null);
    if (!row) return [];
    const failure = manifest.details(id, row.key) as FailureRecord | null;
    return [{ stage, row, state: nameOfState(row.state), failure }];
  });
}

function nameOfState(state: number): keyof typeof itemState {
  const found = Object.entries(itemState).find(([, number]) => number === state);
  return (found?.[0] ?? "pending") as keyof typeof itemState;
}
