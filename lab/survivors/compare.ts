import { HOSTILE_COUNT } from "../hostile/index.ts";
import { childProcess } from "./adapters/child-process.ts";
import { cofferdam } from "./adapters/cofferdam.ts";
import type { Adapter } from "./adapter.ts";
import { measure } from "./measure.ts";

/** Processes that a hostile task has left after its deadline, counted by the census. */
export interface HostileComparison {
  readonly childProcessLeaves: number;
  readonly cofferdamLeaves: number;
}

/**
 * The quick form of the experiment, about two seconds: the same hostile task under both, with a
 * deadline, both at the same time. What is left it ends itself.
 *
 * @throws Error when one of the two did not run the task, so that no number means anything.
 */
export async function compareHostileTask(): Promise<HostileComparison> {
  const [childProcessLeaves, cofferdamLeaves] = await Promise.all([
    countSurvivors(childProcess),
    countSurvivors(cofferdam),
  ]);
  return { childProcessLeaves, cofferdamLeaves };
}

async function countSurvivors(adapter: Adapter): Promise<number> {
  const found = await measure(adapter, "deadline", { deadlineMs: 500, settleMs: 500 });
  if (found.seen < HOSTILE_COUNT) {
    throw new Error(`${adapter.title} did not run the hostile task: ${found.stderr.trim()}`);
  }
  return found.survivors.length;
}
