export * from "./bounds.ts";
export * from "./environment.ts";
export * from "./exec.ts";
export * from "./leak-line.ts";
export * from "./exit-code.ts";
export * from "./report.ts";
export * from "./scope-core.ts";
export * from "./task-result.ts";
export type * from "./worker-service.ts";
