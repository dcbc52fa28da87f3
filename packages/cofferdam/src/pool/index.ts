export * from "./map.ts";
export type { PoolOptions } from "./options.ts";
export * from "./pool.ts";
export * from "./task-error.ts";
export type { RetryCause } from "./job.ts";
export type { ProgramSource, PythonSource, WorkerSource } from "./worker-kind.ts";
