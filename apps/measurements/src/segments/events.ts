import { join } from "node:path";
import { manifestFolder, partitionPath } from "../stage/events.ts";
import { shortHash } from "../running/hashes.ts";
import { removeOutput } from "../running/outputs.ts";
import type { SegmentType } from "./detect.ts";
import { parseStagedPath } from "./staged-path.ts";

export interface SegmentDetail {
  readonly segment_id: number;
  readonly type: SegmentType;
  /** `0.000→-8.000V` */
  readonly v_range: string;
  readonly points: number;
}

/** What `_manifest/events/segment-<run_id>.json` says of a run. */
export interface SegmentEvent {
  readonly ts: string;
  readonly status: "ok" | "skipped";
  readonly run_id: string;
  readonly source_path: string;
  readonly segments_detected: number;
  readonly segments_written: number;
  readonly output_paths: readonly string[];
  readonly segment_details: readonly SegmentDetail[];
}

/** What `_manifest/events/segment-error-<hash>.json` says of a run that was refused. */
export interface SegmentErrorEvent {
  readonly ts: string;
  readonly status: "error";
  readonly source_path: string;
  readonly error: string;
}

export function segmentEventPath(root: string, runId: string): string {
  return join(root, manifestFolder, "events", `segment-${runId}.json`);
}

export function segmentErrorPath(root: string, source: string): string {
  return join(root, manifestFolder, "events", `segment-error-${shortHash(source, 12)}.json`);
}

/** What was made of a run that is now something else, or nothing. */
export function removeSegments(root: string, source: string): void {
  const path = parseStagedPath(source);
  removeOutput(partitionPath(root, path));
  removeOutput(segmentEventPath(root, path.runId));
}
