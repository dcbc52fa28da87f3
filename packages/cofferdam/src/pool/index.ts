export type { MapOptions, MapResult } from "./map.ts";
export type { PoolOptions } from "./options.ts";
export { Pool } from "./pool.ts";
export type { Arguments, Functions, Result, RunOptions } from "./pool.ts";
export { PoolTaskError } from "./task-error.ts";
export type { RetryCause } from "./job.ts";
export type { ProgramSource, PythonSource, WorkerSource } from "./worker-kind.ts";
