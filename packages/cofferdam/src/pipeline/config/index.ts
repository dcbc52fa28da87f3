export * from "./causes.ts";
export * from "./define-pipeline.ts";
export * from "./load-pipeline.ts";
export * from "./patterns.ts";
export * from "./problem.ts";
export type * from "./schema.ts";
export * from "./track.ts";
