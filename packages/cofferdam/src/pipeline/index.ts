export { OutputFolder } from "./output-folder.ts";
export * from "./run-items.ts";
