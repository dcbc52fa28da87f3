/** A guard of the pool, how it is switched off, and the scenario that must fail then. */
export interface Guard {
  /** The scenario's number, as in `docs/reference/fault-scenarios.md`. */
  readonly scenario: number;
  readonly guard: string;
  /** Below `packages/cofferdam/src`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const guards: readonly Guard[] = [
  {
    scenario: 1,
    guard: "what cannot be sent is refused before it is queued",
    file: "worker/values.ts",
    find: "throw unserializable(path, `a ${typeof value}`);",
    replace: "return null;",
  },
  {
    scenario: 2,
    guard: "an object with the encoding's own key is wrapped",
    file: "worker/values.ts",
    find: 'return "$" in value ? { $: "object", v: object } : object;',
    replace: "return object;",
  },
  {
    scenario: 3,
    guard: "an end before the result is a crash, also with exit code 0",
    file: "pool/scheduler.ts",
    find: "      this.#judge(first, code, message);",
    replace:
      "      if (end.exitCode === 0) first.succeed(0);\n      else this.#judge(first, code, message);",
  },
  {
    scenario: 4,
    guard: "an error while the result is encoded is the task's",
    file: "worker/task-runner.ts",
    find: "      this.#fail(task, error);",
    replace: "      throw error;",
  },
  {
    scenario: 5,
    guard: "a value that no worker of ours sends breaks the protocol",
    file: "worker/values.ts",
    find: 'throw new TypeError("an unknown kind of value");',
    replace: "return undefined;",
  },
  {
    scenario: 6,
    guard: "a worker that is gone is given nothing",
    file: "pool/crew.ts",
    find: "if (index >= 0) this.ready.splice(index, 1);",
    replace: "void index;",
  },
  {
    scenario: 7,
    guard: "a task whose worker died is tried again",
    file: "pool/scheduler.ts",
    find: "job.countFailure(cause) <= this.#settings.retries[cause]",
    replace: "job.countFailure(cause) < 0",
  },
  {
    scenario: 8,
    guard: "a task that failed is settled",
    file: "pool/scheduler.ts",
    find: "else this.#judge(job, remoteCode(error), error.message, error);",
    replace: "else void error;",
  },
  {
    scenario: 10,
    guard: "a caller's function that throws is kept away from the worker's socket",
    file: "pool/pool.ts",
    find: "      queueMicrotask(() => {\n        throw error;\n      });",
    replace: "      throw error;",
  },
  {
    scenario: 11,
    guard: "a frame counts when all of it has come",
    file: "worker/frames.ts",
    find: "return this.#missing === 0;",
    replace: "return true;",
  },
  {
    scenario: 12,
    guard: "what no frame can carry is refused",
    file: "worker/values.ts",
    find: "if (bytes <= messageBytesMax) return;",
    replace: "if (bytes > 0) return;",
  },
  {
    scenario: 13,
    guard: "workers killed while they start are no fault of the module's",
    file: "pool/crew.ts",
    find: "++this.#startKills < startKillsMax * this.#size",
    replace: "++this.#startKills < 0",
  },
  {
    scenario: 14,
    guard: "what a dead worker had not begun comes back",
    file: "pool/scheduler.ts",
    find: "else this.#queue.unshift(job);",
    replace: "else void job;",
  },
  {
    scenario: 15,
    guard: "the keeper holds the deadline",
    file: "pool/pool-worker.ts",
    find: "this.#process.setDeadline(head.timeoutMs);",
    replace: "void head;",
  },
  {
    scenario: 16,
    guard: "memory run out is not tried again",
    file: "pool/options.ts",
    find: "memory: 0, error: 0",
    replace: "memory: 1, error: 0",
  },
  {
    scenario: 17,
    guard: "a task is tried so often and no more",
    file: "pool/scheduler.ts",
    find: "job.countFailure(cause) <= this.#settings.retries[cause]",
    replace: "job.countFailure(cause) > 0",
  },
  {
    scenario: 18,
    guard: "KILL follows TERM",
    file: "pool/crew.ts",
    find: "      graceMs: settings.graceMs,\n",
    replace: "      graceMs: 3_600_000,\n",
  },
  {
    scenario: 19,
    guard: "which of several tasks hung is found by trying each alone",
    file: "pool/scheduler.ts",
    find: "    const exact = jobs.findIndex((job) => job.each);",
    replace:
      "    if (jobs.length > 0) return jobs.slice(0, 1);\n    const exact = jobs.findIndex((job) => job.each);",
  },
  {
    scenario: 20,
    guard: "a cancelled task keeps its worker busy until it has ended",
    file: "pool/scheduler.ts",
    find: "    worker?.cancel(job);",
    replace: "    worker?.cancel(job);\n    worker?.jobs.splice(0);",
  },
  {
    scenario: 21,
    guard: "a task that listens for its cancellation is given time",
    file: "pool/pool-worker.ts",
    find: "if (runs && !job.abortable)",
    replace: "if (runs)",
  },
  {
    scenario: 22,
    guard: "a deadline is told from a crash",
    file: "pool/task-error.ts",
    find: 'if (end.cause === "timeout")',
    replace: 'if (end.cause === "timeout" && end.left > 0)',
  },
  {
    scenario: 23,
    guard: "a settled task listens to no signal",
    file: "pool/pool.ts",
    find: 'signal?.removeEventListener("abort", cancel)',
    replace: "undefined",
  },
  {
    scenario: 25,
    guard: "closing settles what waits",
    file: "pool/scheduler.ts",
    find: '      job.fail(cancelled("the pool was closed", job.attempts));\n    await',
    replace: "      void job;\n    await",
  },
  {
    scenario: 26,
    guard: "a socket deep inside other tasks is addressed by a descriptor",
    file: "keeper/channels.ts",
    find: "path.length > addressMax",
    replace: "path.length > addressMax * 100",
  },
  {
    scenario: 27,
    guard: "a worker is given no more tasks than its life has left",
    file: "pool/crew.ts",
    find: "return this.#settings.tasksPerWorker - worker.tasksGiven;",
    replace: "return worker.tasksGiven + 1000;",
  },
  {
    scenario: 28,
    guard: "a closed pool takes nothing",
    file: "pool/pool.ts",
    find: 'if (this.#closing) throw new CofferdamError("CLOSED", "the pool is closed");',
    replace: "",
  },
  {
    scenario: 29,
    guard: "a worker that is ended for being idle finishes what it has",
    file: "pool/crew.ts",
    find: "const timer = setTimeout(() => this.retire(worker), idleTimeoutMs);\n    this.#idleTimers.set(worker, timer);",
    replace: "setTimeout(() => worker.stop(0), idleTimeoutMs);",
  },
  {
    scenario: 30,
    guard: "closing ends workers that are still starting",
    file: "pool/crew.ts",
    find: "if (this.#closed.signal.aborted) worker.stop(0);",
    replace: "",
  },
  {
    scenario: 31,
    guard: "a worker has only so long to become ready",
    file: "pool/crew.ts",
    find: "      late.abort();\n      worker.stop(0);",
    replace: "      void late;",
  },
  {
    scenario: 32,
    guard: "errors of a dying worker's socket are heard",
    file: "pool/pool-worker.ts",
    find: 'this.#channel?.on("error", () => undefined);',
    replace: "",
  },
  {
    scenario: 38,
    guard: "CPUs are counted as this process may use them",
    file: "budget/budget.ts",
    find: "return availableParallelism();",
    replace: "return 64;",
  },
  {
    scenario: 39,
    guard: "a worker above its size is replaced",
    file: "pool/crew.ts",
    find: "  onBig(worker: PoolWorker): void {\n    this.retire(worker);",
    replace: "  onBig(worker: PoolWorker): void {\n    void worker;",
  },
];
