/** What a worker of the second stage runs: some staged runs a call. */
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "cofferdam";
import { simplify, type FileColumn } from "../parquet/columns.ts";
import { readParquet } from "../parquet/read-parquet.ts";
import { writeParquet } from "../parquet/write-parquet.ts";
import { partitionPath, partName } from "../stage/events.ts";
import { readInput, type Input } from "../running/inputs.ts";
import { OutputWriter, removeOutput } from "../running/outputs.ts";
import type { Outcome } from "../running/stage-work.ts";
import { pythonTimestamp } from "../running/times.ts";
import {
  removeSegments,
  segmentErrorPath,
  segmentEventPath,
  type SegmentErrorEvent,
  type SegmentEvent,
} from "./events.ts";
import { RunError, type RunErrorCode } from "./run-error.ts";
import { segmentRun, type SegmentTable } from "./segment-run.ts";
import type { SegmentSettings } from "./settings.ts";
import { parseStagedPath } from "./staged-path.ts";

/** A run to segment, and whether an earlier attempt left a record of its failure. */
export interface SegmentTask {
  readonly source: string;
  readonly wasRefused?: true;
}

interface FromStage {
  /** The stage root that it came from, as in the settings. Older programs did not record it. */
  readonly stage?: string;
}

/** What is recorded of a run. */
export interface Segmented extends FromStage {
  readonly status: "ok";
  readonly event: SegmentEvent;
}

export interface Unsegmented extends FromStage {
  readonly status: "error";
  readonly code: RunErrorCode;
  readonly message: string;
}

export type SegmentOutcome = Outcome<Segmented | Unsegmented>;

let writer: OutputWriter | undefined;

/** Segments runs, each by itself: one that is refused does not touch the others. */
export async function segmentRuns(
  tasks: readonly SegmentTask[],
  settings: SegmentSettings,
  unfinished: string,
): Promise<SegmentOutcome[]> {
  writer ??= new OutputWriter(join(unfinished, randomBytes(6).toString("hex")));
  const outcomes: SegmentOutcome[] = [];
  for (const task of tasks) outcomes.push(await segmentOne(task, settings, writer));
  return outcomes;
}

async function segmentOne(
  task: SegmentTask,
  settings: SegmentSettings,
  writer: OutputWriter,
): Promise<SegmentOutcome> {
  const { source } = task;
  const { stage, segmentsRoot } = settings;
  const folder = partitionPath(segmentsRoot, parseStagedPath(source));
  let input: Input | null = null;
  try {
    const run = await read(source);
    input = run.input;
    const segments = segmentRun(run.columns, run.rows, settings);
    const event = write(segments, source, folder, writer);
    const path = segmentEventPath(segmentsRoot, event.run_id);
    writer.write(path, JSON.stringify(event, null, 2));
    if (task.wasRefused) removeOutput(segmentErrorPath(segmentsRoot, source));
    return { source, stamp: input.stamp, hash: input.hash, status: "ok", event, stage };
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    const { code, message } = error;
    writer.write(segmentErrorPath(segmentsRoot, source), segmentErrorText(source, message));
    // What an earlier run made of it is no longer so.
    removeSegments(segmentsRoot, source);
    const { stamp = null, hash = null } = input ?? {};
    return { source, stamp, hash, status: "error", code, message, stage };
  }
}

interface Run {
  readonly input: Input;
  readonly rows: number;
  readonly columns: readonly FileColumn[];
}

async function read(source: string): Promise<Run> {
  try {
    const input = readInput(source);
    const columns = await readParquet(input.bytes);
    return { input, rows: columns[0]?.values.length ?? 0, columns: columns.map(simplify) };
  } catch (error) {
    throw new RunError("UNREADABLE", `it could not be read: ${errorMessage(error)}`);
  }
}

/** Writes a run's segments, and removes those that an earlier run, otherwise set, had more. */
function write(
  segments: readonly SegmentTable[],
  source: string,
  folder: string,
  writer: OutputWriter,
): SegmentEvent {
  const names = segments.map(({ id }) => `segment=${id}`);
  for (const name of foldersIn(folder)) if (!names.includes(name)) removeOutput(join(folder, name));
  const paths = names.map((name) => join(folder, name, partName));
  for (const [index, { columns, points }] of segments.entries())
    writer.write(paths[index] ?? "", writeParquet(columns, points));
  return {
    ts: pythonTimestamp(),
    status: "ok",
    run_id: parseStagedPath(source).runId,
    source_path: source,
    segments_detected: segments.length,
    segments_written: segments.length,
    output_paths: paths,
    segment_details: segments.map(({ id, type, firstVolts, lastVolts, points }) => ({
      segment_id: id,
      type,
      v_range: `${firstVolts.toFixed(3)}→${lastVolts.toFixed(3)}V`,
      points,
    })),
  };
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it is not there yet
  }
}

export function segmentErrorText(source: string, error: string): string {
  const event: SegmentErrorEvent = {
    ts: pythonTimestamp(),
    status: "error",
    source_path: source,
    error,
  };
  return JSON.stringify(event, null, 2);
}
