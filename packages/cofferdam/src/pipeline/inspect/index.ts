export { findItems, type FoundItem } from "./find-items.ts";
export { readStatus, type PipelineStatus } from "./status.ts";
export { replayItem } from "./replay.ts";
