export { runMap, type MapCommandOptions, type MapCommandResult } from "./map/run-map.ts";
export type { InputSource } from "./map/inputs.ts";
export type { JobOutput } from "./map/ordered-output.ts";
export { OutputFolder } from "./output-folder.ts";
export * from "./run-items.ts";
