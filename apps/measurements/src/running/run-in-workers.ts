import { openScope, type EventListener, type Pool, type PoolTaskError } from "cofferdam";
import { runBatches } from "./run-batches.ts";
import { ProcessClock, type StageResult } from "./stage-result.ts";
import { workerOptions } from "./worker-options.ts";

export interface WorkOptions<Module, Task, Outcome> {
  /** What the workers run. */
  readonly module: URL;
  readonly workers: number;
  readonly tasks: readonly Task[];
  /** Does a batch in a worker. */
  readonly work: (
    pool: Pool<Module>,
    batch: readonly Task[],
    how: { readonly signal?: AbortSignal },
  ) => Promise<readonly Outcome[]>;
  /** What becomes of a task that no worker could do. */
  readonly explainLost: (task: Task, error: PoolTaskError) => Outcome;
  /** Called as batches end. */
  readonly onOutcomes: (outcomes: readonly Outcome[]) => void;
  /** Called when all is done, and not where it was interrupted, before the processes end. */
  readonly beforeEnd: () => Promise<void>;
  readonly onEvent: EventListener | undefined;
  readonly signal: AbortSignal | undefined;
}

/** How a stage's work ended. */
export type WorkEnd = Pick<StageResult, "interrupted" | "scope" | "processTimes">;

/**
 * Does the tasks of a stage in contained workers. Resolves when every process is gone; starts none
 * where there is no task. Rejects as `runBatches` does.
 */
export async function runInWorkers<Module, Task, Outcome>(
  options: WorkOptions<Module, Task, Outcome>,
): Promise<WorkEnd> {
  const { tasks, signal } = options;
  const clock = new ProcessClock(options.onEvent);
  const scope = tasks.length === 0 ? null : await workOn(options, clock);
  if (scope === null) await options.beforeEnd();
  return { interrupted: signal?.aborted ?? false, scope, processTimes: clock.times };
}

async function workOn<Module, Task, Outcome>(
  options: WorkOptions<Module, Task, Outcome>,
  clock: ProcessClock,
): Promise<StageResult["scope"]> {
  const { module, tasks, work, explainLost, onOutcomes, signal } = options;
  const workers = Math.min(options.workers, tasks.length);
  const interruption = signal ? { signal } : {};
  await using scope = await openScope({ onEvent: clock.listener });
  const pool = scope.pool<Module>(module, { workers, ...workerOptions });
  await runBatches<Task, Outcome>({
    tasks,
    workers,
    work: (batch) => work(pool, batch, interruption),
    explainLost,
    onOutcomes,
    ...interruption,
  });
  if (!signal?.aborted) await options.beforeEnd();
  return await scope.close();
}
