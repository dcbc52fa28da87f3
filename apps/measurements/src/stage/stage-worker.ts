/** What a worker of the first stage runs: some files a call. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { errorMessage } from "cofferdam";
import { LocalZone } from "../format/start-time.ts";
import { writeParquet } from "../parquet/write-parquet.ts";
import { readInput, type Input } from "../running/inputs.ts";
import { OutputWriter, removeOutput } from "../running/outputs.ts";
import type { Outcome } from "../running/stage-work.ts";
import { pythonTimestamp } from "../running/times.ts";
import {
  partitionPath,
  partName,
  rejectPath,
  rejectText,
  removeStaged,
  stageEventPath,
  type StageEvent,
} from "./events.ts";
import { readMeasurement } from "./measurement.ts";
import { Rejection, type RejectionCode } from "./rejection.ts";
import type { StageSettings } from "./settings.ts";

/** A file to stage, and what an earlier run made of it. */
export interface StageTask {
  readonly source: string;
  readonly earlier?: StageEvent;
  readonly wasRejected?: true;
}

/** What is recorded of a file. */
export interface Staged {
  readonly status: "ok";
  readonly event: StageEvent;
  readonly notNumbers: number;
}

export interface Rejected {
  readonly status: "rejected";
  readonly code: RejectionCode;
  readonly message: string;
}

export type StageOutcome = Outcome<Staged | Rejected>;

let zone: { readonly name: string; readonly dates: LocalZone } | undefined;
let writer: OutputWriter | undefined;

/** Stages files, each by itself: one that is refused does not touch the others. */
export function stageFiles(
  tasks: readonly StageTask[],
  settings: StageSettings,
  unfinished: string,
): StageOutcome[] {
  writer ??= new OutputWriter(join(unfinished, randomBytes(6).toString("hex")));
  if (zone?.name !== settings.localTz)
    zone = { name: settings.localTz, dates: new LocalZone(settings.localTz) };
  const context = { writer, zone: zone.dates, settings };
  return tasks.map((task) => stageFile(task, context));
}

interface Context {
  readonly writer: OutputWriter;
  readonly zone: LocalZone;
  readonly settings: StageSettings;
}

function stageFile(task: StageTask, context: Context): StageOutcome {
  const { source } = task;
  let input: Input | null = null;
  try {
    input = read(source);
    const { stamp, hash } = input;
    return { source, stamp, hash, status: "ok", ...stage(task, input, context) };
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    const { code, message } = error;
    const { stageRoot } = context.settings;
    context.writer.write(rejectPath(stageRoot, source), rejectText(source, message));
    if (task.earlier) removeStaged(stageRoot, task.earlier);
    const { stamp = null, hash = null } = input ?? {};
    return { source, stamp, hash, status: "rejected", code, message };
  }
}

function read(source: string): Input {
  try {
    return readInput(source);
  } catch (error) {
    // What stands in a name for bytes that are no text opens nothing.
    const why = source.includes("\uFFFD")
      ? "its name is not UTF-8; rename it"
      : errorMessage(error);
    throw new Rejection("UNREADABLE", `it could not be read: ${why}`);
  }
}

function stage(
  { source, earlier, wasRejected }: StageTask,
  { bytes, stamp }: Input,
  { writer, zone, settings }: Context,
): { event: StageEvent; notNumbers: number } {
  const { stageRoot, procedures, onlyYamlData } = settings;
  const measurement = readMeasurement(bytes, source, {
    procedures,
    zone,
    onlyYamlData,
    modifiedMs: stamp.modifiedMs,
  });
  const { procedure, runId, start, rows, columns, notNumbers } = measurement;
  const path = join(partitionPath(stageRoot, { procedure, date: start.date, runId }), partName);
  writer.write(path, writeParquet(columns, rows));
  const event: StageEvent = {
    ts: pythonTimestamp(),
    status: "ok",
    run_id: runId,
    proc: procedure,
    rows,
    path,
    source_file: source,
    date_origin: start.origin,
  };
  writer.write(stageEventPath(stageRoot, runId), JSON.stringify(event));
  // What this file became earlier, under another name, is no longer what it is.
  if (earlier && earlier.path !== path) removeStaged(stageRoot, earlier, event);
  if (wasRejected) removeOutput(rejectPath(stageRoot, source));
  return { event, notNumbers };
}
