export * from "./causes.ts";
export * from "./define-pipeline.ts";
export * from "./load-pipeline.ts";
export * from "./output-path.ts";
export * from "./patterns.ts";
export * from "./problem.ts";
export * from "./resources.ts";
export type * from "./schema.ts";
export * from "./track.ts";
