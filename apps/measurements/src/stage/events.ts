import { basename, dirname, extname, join } from "node:path";
import { shortHash } from "../running/hashes.ts";
import { removeOutput } from "../running/outputs.ts";
import { isoTimestamp } from "../running/times.ts";

/** What `_manifest/events/event-<run_id>.json` says of a staged file. */
export interface StageEvent {
  readonly ts: string;
  readonly status: "ok" | "skipped";
  readonly run_id: string;
  readonly proc: string;
  readonly rows: number;
  readonly path: string;
  readonly source_file: string;
  readonly date_origin: "meta" | "path" | "mtime";
}

/** What a reject file says of a file that was refused. */
export interface RejectRecord {
  readonly source_file: string;
  readonly error: string;
  readonly ts: string;
}

export const manifestFolder = "_manifest";

export function stageEventPath(stageRoot: string, runId: string): string {
  return join(stageRoot, manifestFolder, "events", `event-${runId}.json`);
}

/** A name of a file has 255 bytes at most, and a character up to 4 of them. */
const stemMost = 50;

/** Beside the stage root, in `_rejects`. A very long name is cut: the hash tells files apart. */
export function rejectPath(stageRoot: string, source: string): string {
  const whole = basename(source, extname(source));
  const stem = Buffer.byteLength(whole) > stemMost * 4 ? whole.slice(0, stemMost) : whole;
  const name = `${stem}-${shortHash(source, 12)}.reject.json`;
  return join(dirname(stageRoot), "_rejects", name);
}

export function rejectText(source: string, error: string): string {
  const record: RejectRecord = { source_file: source, error, ts: isoTimestamp() };
  return JSON.stringify(record, null, 2);
}

export function partitionPath(
  root: string,
  { procedure, date, runId }: { procedure: string; date: string; runId: string },
): string {
  return join(root, `proc=${procedure}`, `date=${date}`, `run_id=${runId}`);
}

export const partName = "part-000.parquet";

/** What was made of a file that is now something else (another run, where one is given) or nothing. */
export function removeStaged(stageRoot: string, earlier: StageEvent, now?: StageEvent): void {
  removeOutput(dirname(earlier.path));
  if (earlier.run_id !== now?.run_id) removeOutput(stageEventPath(stageRoot, earlier.run_id));
}
