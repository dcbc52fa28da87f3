import { CofferdamError, PoolTaskError, type ErrorCode } from "cofferdam";

export interface BatchesOptions<Task, Outcome> {
  readonly tasks: readonly Task[];
  readonly workers: number;
  /** Does a batch in a worker. */
  readonly work: (batch: readonly Task[]) => Promise<readonly Outcome[]>;
  /** What becomes of a task that no worker could do. */
  readonly explainLost: (task: Task, error: PoolTaskError) => Outcome;
  /** Called as batches end. */
  readonly onOutcomes: (outcomes: readonly Outcome[]) => void;
  readonly signal?: AbortSignal;
}

const batchMost = 64;
/** Batches a worker gets at least, so that all of them end at about the same time. */
const batchesPerWorker = 12;

/** A worker's end in one of these ways may be the doing of one task of its batch. */
const taskFaults: readonly ErrorCode[] = ["CRASH", "TIMEOUT", "MEMORY", "PROCESSES", "TASK_FAILED"];

/**
 * Does many small tasks in batches, so that handing them out costs little. What comes of a task does
 * not depend on its batch: where a batch fails, its tasks are done one by one, and the one that is to
 * blame alone is lost. Rejects with `OUTPUT` as soon as a result cannot be written.
 */
export async function runBatches<Task, Outcome>(
  options: BatchesOptions<Task, Outcome>,
): Promise<void> {
  const { tasks, workers, signal } = options;
  const size = batchSize(tasks.length, workers);
  let next = 0;
  let hasFailed = false;
  const take = (): readonly Task[] => {
    const batch = tasks.slice(next, next + size);
    next += size;
    return batch;
  };
  // Twice, so that no worker waits while another's outcomes are recorded.
  const lanes = Array.from({ length: workers * 2 }, async () => {
    for (let batch = take(); batch.length > 0; batch = take()) {
      if (signal?.aborted || hasFailed) return;
      try {
        await runBatch(batch, options);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  });
  const settled = await Promise.allSettled(lanes);
  const failed = settled.find((lane) => lane.status === "rejected");
  if (failed) throw failed.reason;
}

export function batchSize(tasks: number, workers: number): number {
  return Math.max(1, Math.min(batchMost, Math.ceil(tasks / (workers * batchesPerWorker))));
}

async function runBatch<Task, Outcome>(
  batch: readonly Task[],
  options: BatchesOptions<Task, Outcome>,
): Promise<void> {
  try {
    options.onOutcomes(await options.work(batch));
  } catch (error) {
    if (!(error instanceof PoolTaskError)) throw error;
    if (error.code === "CANCELLED" && options.signal?.aborted) return;
    if (error.remote?.code === "OUTPUT") throw new CofferdamError("OUTPUT", error.message);
    if (!taskFaults.includes(error.code)) throw error;
    const [only] = batch;
    if (batch.length === 1 && only !== undefined)
      options.onOutcomes([options.explainLost(only, error)]);
    else for (const task of batch) await runBatch([task], options);
  }
}
