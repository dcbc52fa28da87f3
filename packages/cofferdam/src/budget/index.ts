export type * from "./budget.ts";
export * from "./memory-pressure.ts";
export * from "./thread-caps.ts";
export * from "./usable-cpus.ts";
export * from "./visible-devices.ts";
