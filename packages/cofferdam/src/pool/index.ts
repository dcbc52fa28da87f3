export * from "./map.ts";
export * from "./pool.ts";
export * from "./task-error.ts";
