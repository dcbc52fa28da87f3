import { AsyncLocalStorage } from "node:async_hooks";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a worker's function can learn about the task it runs for. */
export interface TaskContext {
  /** A number that no other task of this worker has. */
  readonly id: number;
  /** A private folder for this task; made when first asked for, removed when the task ends. */
  readonly scratch: string;
}

const storage = new AsyncLocalStorage<TaskContext>();

/** The task that the calling code runs for. Throws outside of a worker's function. */
export function currentTask(): TaskContext {
  const context = storage.getStore();
  if (!context) throw new Error("currentTask() was called outside of a worker's task");
  return context;
}

/** Runs a function as a task, and removes the task's scratch folder afterwards. */
export async function runAsTask<Result>(
  id: number,
  run: () => Result | Promise<Result>,
): Promise<Result> {
  let scratch: string | undefined;
  const context: TaskContext = {
    id,
    get scratch() {
      if (scratch === undefined) {
        scratch = join(tmpdir(), `i${id}`);
        mkdirSync(scratch, { mode: 0o700 });
      }
      return scratch;
    },
  };
  try {
    return await storage.run(context, run);
  } finally {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
