import { mkdirSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { CofferdamError, errorCode, errorMessage } from "../../errors/index.ts";
import { parseDuration } from "../../units/index.ts";
import { hashContent, stampOf, type Stamp } from "../files/stamp.ts";
import type { ItemRow, PipelineManifest } from "../manifest/index.ts";
import { digestGroup, type PlannedStage } from "../plan/index.ts";
import { failed, type Executor, type WorkDone, type WorkEnd, type WorkFailed } from "./executor.ts";
import { Retries } from "./retry.ts";
import type { RunningMedian } from "./median.ts";

/** What came of an item once it has had its tries. */
export type ItemEnd =
  | {
      readonly kind: "done";
      readonly stamp: Stamp;
      readonly hash: string;
      readonly unfinished: string | null;
      readonly durationMs: number;
    }
  | {
      readonly kind: "failed";
      readonly failure: WorkFailed;
      readonly attempts: number;
      readonly stamp: Stamp | null;
      readonly hash: string | null;
      readonly timeoutMs: number | undefined;
      readonly memoryBytes: number | undefined;
      readonly unfinished: string | null;
    }
  | { readonly kind: "cut off" };

export interface ItemSetting {
  readonly stage: PlannedStage;
  readonly manifest: PipelineManifest;
  readonly folder: string;
  /** Where unfinished outputs of the stage lie. */
  readonly unfinished: string;
  readonly durations: RunningMedian;
  readonly signal: AbortSignal;
  readonly executor: (memoryBytes: number | undefined) => Executor;
  /** Waits for a permit, where the stage has a limit. */
  readonly permit: () => Promise<AsyncDisposable | null>;
  readonly onStart: (attempt: number) => void;
}

/** Small contents are written at once: a turn of the event loop costs more. */
const smallBytes = 256 * 1024;
/** A disk with less than this has no room for anything. */
const fullDiskBytes = 64 * 1024;

let nextFolder = 0;

/**
 * Works on an item until it is done or has had its tries. Rejects for what is no fault of the
 * item's: a full disk, a lost containment, workers that do not start.
 */
export async function workOnItem(setting: ItemSetting, row: ItemRow): Promise<ItemEnd> {
  const { stage, signal, durations } = setting;
  const retries = new Retries(stage.definition);
  let changes = 0;
  for (let attempt = 1; ;) {
    if (signal.aborted) return { kind: "cut off" };
    const timeoutMs = timeoutOf(stage.definition.timeout, durations);
    const { memoryBytes } = retries;
    const place = makePlace(setting, row);
    const input = await readInput(setting, row, place);
    const end =
      input instanceof CofferdamError
        ? failed("input", "INPUT", input.message)
        : await tryOnce(setting, row, place, input, { attempt, timeoutMs, memoryBytes });
    if (end.kind === "cancelled") {
      removePlace(place);
      return { kind: "cut off" };
    }
    if (end.kind === "lost" && retries.againAfterLoss()) {
      removePlace(place);
      continue;
    }
    if (end.kind === "done" && !(input instanceof CofferdamError)) {
      durations.add(end.durationMs);
      const { stamp, hash } = input;
      return {
        kind: "done",
        stamp,
        hash,
        unfinished: place?.output ?? null,
        durationMs: end.durationMs,
      };
    }
    const failure = end.kind === "failed" ? end : keeperLost();
    refuseFullDisk(setting, place, failure);
    const again =
      (failure.cause === "input" && !(input instanceof CofferdamError) && changes++ === 0) ||
      retries.again(failure.cause);
    if (!again || failure.hopeless) {
      const { stamp, hash } = input instanceof CofferdamError ? { stamp: null, hash: null } : input;
      const kept = place?.folder ?? null;
      return {
        ...{ kind: "failed", failure, attempts: attempt, stamp, hash },
        ...{ timeoutMs, memoryBytes, unfinished: kept },
      };
    }
    attempt++;
    removePlace(place);
  }
}

interface Place {
  readonly folder: string;
  readonly output: string | null;
  readonly list: string;
}

interface Input {
  readonly path: string;
  readonly inputs: readonly string[] | null;
  readonly stamp: Stamp;
  readonly hash: string;
}

/** A folder that no other try has; none where nothing is to be put into it. */
function makePlace({ stage, unfinished }: ItemSetting, row: ItemRow): Place | null {
  const { gather } = stage.definition;
  if (row.output === null && gather === undefined) return null;
  const folder = join(unfinished, String(++nextFolder));
  try {
    mkdirSync(folder);
    const output = row.output === null ? null : join(folder, basename(row.output));
    if (output !== null && stage.makesFolder) mkdirSync(output);
    return { folder, output, list: join(folder, "inputs.txt") };
  } catch (error) {
    throw unwritable(folder, error);
  }
}

function removePlace(place: Place | null): void {
  if (place) rmSync(place.folder, { recursive: true, force: true });
}

async function readInput(
  { stage, folder, manifest }: ItemSetting,
  row: ItemRow,
  place: Place | null,
): Promise<Input | CofferdamError> {
  const { each, gather } = stage.definition;
  if (typeof each === "object" && !Array.isArray(each))
    return { path: row.key, inputs: null, stamp: "", hash: "" };
  if (gather !== undefined) {
    const members = [...manifest.members(stage.id, row.key)];
    const { stamp, hash } = digestGroup(folder, members);
    const paths = members.map((path) => join(folder, path));
    const list = place?.list ?? "";
    try {
      writeFileSync(list, paths.map((path) => `${path}\n`).join(""));
    } catch (error) {
      throw unwritable(list, error);
    }
    return { path: list, inputs: paths, stamp, hash: await hash() };
  }
  const path = join(folder, row.key);
  try {
    const stamp = stampOf(path);
    if (stamp === null) return vanished();
    return { path, inputs: null, stamp, hash: await hashContent(path, stamp) };
  } catch (error) {
    return errorCode(error) === "ENOENT"
      ? vanished()
      : new CofferdamError("INPUT", `its input cannot be read: ${errorMessage(error)}`);
  }
}

function vanished(): CofferdamError {
  return new CofferdamError("INPUT", "its input was there when the run began, and is gone");
}

async function tryOnce(
  setting: ItemSetting,
  row: ItemRow,
  place: Place | null,
  input: Input,
  bounds: { attempt: number; timeoutMs: number | undefined; memoryBytes: number | undefined },
): Promise<WorkEnd> {
  const output = place?.output ?? null;
  const permit = await setting.permit();
  let end: WorkEnd;
  try {
    end = await setting.executor(bounds.memoryBytes).run({
      ...{ key: row.key, input: input.path, inputs: input.inputs, output, ...bounds },
      signal: setting.signal,
      onStart: () => setting.onStart(bounds.attempt),
    });
  } finally {
    await permit?.[Symbol.asyncDispose]();
  }
  if (end.kind !== "done") return end;
  const changed = await inputChanged(setting, row, input);
  if (changed !== null) return failed("input", "INPUT", changed);
  return output === null ? end : await keepOutput(setting.stage, output, end);
}

/** A result that was made from two versions of its input is none. */
async function inputChanged(
  { stage, folder, manifest }: ItemSetting,
  row: ItemRow,
  input: Input,
): Promise<string | null> {
  if (input.stamp === "") return null;
  if (stage.definition.gather !== undefined) {
    const now = digestGroup(folder, [...manifest.members(stage.id, row.key)]);
    const same = now.stamp === input.stamp || (await now.hash()) === input.hash;
    return same ? null : "one of its inputs changed while it was worked on";
  }
  const stamp = stampOf(input.path);
  if (stamp === input.stamp) return null;
  if (stamp === null) return "its input vanished while it was worked on";
  const same = (await hashContent(input.path, stamp)) === input.hash;
  return same ? null : "its input changed while it was worked on";
}

async function keepOutput(
  stage: PlannedStage,
  output: string,
  end: WorkDone,
): Promise<WorkDone | WorkFailed> {
  const { content, encoding = "utf8" } = end;
  if (content !== undefined) {
    if (stage.makesFolder)
      return failed("output", "NO_OUTPUT", "its output is a folder: write files into it");
    try {
      if (content.length <= smallBytes) writeFileSync(output, content, encoding);
      else await writeFile(output, content, encoding);
    } catch (error) {
      throw unwritable(output, error);
    }
    return end;
  }
  const status = statSync(output, { throwIfNoEntry: false });
  if (!status) return failed("output", "NO_OUTPUT", "it ended well, but did not write its output");
  if (stage.makesFolder !== status.isDirectory())
    return failed(
      "output",
      "NO_OUTPUT",
      stage.makesFolder ? "its output is not a folder" : "its output is a folder, not a file",
    );
  if (stage.makesFolder && readdirSync(output).length === 0)
    return failed("output", "NO_OUTPUT", "it ended well, but its output folder is empty");
  return end;
}

/** On a full disk it is not the item that fails, and no other would do better. */
function refuseFullDisk(
  { unfinished }: ItemSetting,
  place: Place | null,
  failure: WorkFailed,
): void {
  if (place === null || !["exit", "signal", "output", "crash"].includes(failure.cause)) return;
  const { bavail, bsize } = statfsSync(unfinished);
  if (bavail * bsize >= fullDiskBytes) return;
  removePlace(place);
  throw new CofferdamError(
    "OUTPUT",
    `the disk is full (ENOSPC) where outputs are made, ${unfinished}: ${failure.message.replaceAll("\n", "; ")}`,
  );
}

function unwritable(path: string, error: unknown): CofferdamError {
  return new CofferdamError("OUTPUT", `${path} cannot be written: ${errorMessage(error)}`, {
    cause: error,
  });
}

function keeperLost(): WorkFailed {
  return failed("crash", "KEEPER_LOST", "it lost its keeper again and again");
}

function timeoutOf(
  timeout: string | number | undefined,
  durations: RunningMedian,
): number | undefined {
  if (timeout === undefined) return undefined;
  if (typeof timeout === "number" || !timeout.endsWith("%")) return parseDuration(timeout);
  const median = durations.value();
  // Short ones vary by more than their length.
  return median === undefined ? undefined : Math.max(1_000, (median * parseFloat(timeout)) / 100);
}
