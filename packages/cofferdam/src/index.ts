export { exitCodes } from "./cli/exit-codes.ts";
export { listenBesideProgress, listenForInterrupts, type Interrupts } from "./cli/interrupts.ts";
export { optionParser, parseCount } from "./cli/options.ts";
export { summarizeProcesses } from "./cli/summarize.ts";
export type { Advice, Check, CheckSection, CheckState } from "./doctor/index.ts";
export * from "./errors/index.ts";
export * from "./events/index.ts";
export type {
  Containment,
  IpcSharing,
  Leak,
  Measured,
  NamedProcess,
  ObjectKind,
  StuckProcess,
} from "./keeper/index.ts";
export * from "./open-scope.ts";
export * from "./pipeline/index.ts";
export type * from "./pool/index.ts";
export { PoolTaskError } from "./pool/task-error.ts";
export { TaskError } from "./scope/index.ts";
export type {
  ExecOptions,
  Jobserver,
  RunningCommand,
  ScopeOptions,
  ScopeReport,
  TaskResult,
} from "./scope/index.ts";
export type { Cache, CacheOptions, ComputeOptions, Limiter } from "./shared/index.ts";
export type { AcquireOptions, LimiterOptions, LimiterPermit, RateText } from "./shared/index.ts";
export * from "./units/index.ts";
export { currentTask, type TaskContext } from "./worker/index.ts";
export type { CacheKey } from "./worker/cache-key.ts";
export type { WorkerCache } from "./worker/cache.ts";
export type { Permit, PermitOptions } from "./worker/permit.ts";
export { withShape, type Shaped } from "./worker/shape.ts";
