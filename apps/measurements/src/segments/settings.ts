import type { DetectOptions } from "./detect.ts";

/** What shapes the segments beside the staged run. Goes to the workers as it is. */
export interface SegmentSettings extends DetectOptions {
  /** The stage root's path from the folder of the segments: both may be moved together. */
  readonly stage: string;
  /** Folder of the segments: `…/iv_segments`. */
  readonly segmentsRoot: string;
  readonly voltageCol: string;
}
