import { availableParallelism } from "node:os";
import { mkdir, rm } from "node:fs/promises";
import { parseDuration, parseSize, type Duration, type Scope, type Size } from "cofferdam";
import type * as Worker from "../convert-worker.ts";
import { workerModule } from "../engines/embedded.ts";
import type { Engine } from "../engines/engine.ts";
import { MarkerBatches } from "./batch-engine.ts";
import type { Device } from "./device.ts";
import { findMarker } from "./find-marker.ts";
import { Preparation } from "./prepare.ts";
import type { MarkerSettings } from "./settings.ts";
import { MarkerSingles } from "./single-engine.ts";

export interface MarkerOptions {
  /** Default 1: each loads the models, which is gigabytes. */
  readonly workers: number | undefined;
  readonly timeout: Duration | undefined;
  readonly memory: Size | undefined;
  readonly pages: readonly number[] | undefined;
  readonly device: Device;
  /** Documents for one program; undefined: a program for each document. */
  readonly batch: number | undefined;
  /** Folder of Marker's programs; undefined: on PATH. */
  readonly folder: string | undefined;
  /** A folder that is ours alone. What a crashed run has left in it is removed. */
  readonly scratch: string;
  readonly notice: MarkerSettings["notice"];
}

/** Rejects with `TOOL_UNAVAILABLE`. */
export async function openMarker(scope: Scope, options: MarkerOptions): Promise<Engine> {
  const marker = await findMarker(scope, options.folder);
  const workers = options.workers ?? 1;
  const settings: MarkerSettings = {
    marker,
    device: options.device,
    workers,
    cpusPerWorker: Math.max(1, Math.floor(availableParallelism() / workers)),
    timeoutMs: parseDuration(options.timeout ?? "10m"),
    memoryBytes: parseSize(options.memory ?? "8 GB"),
    pages: options.pages,
    scratch: options.scratch,
    notice: options.notice,
  };
  await rm(settings.scratch, { recursive: true, force: true });
  await mkdir(settings.scratch, { recursive: true, mode: 0o700 });
  const pool = scope.pool<typeof Worker>(workerModule, {
    workers: Math.min(workers, 2),
    timeout: "2m",
    memory: "2 GB",
  });
  const preparation = new Preparation(pool, settings);
  return options.batch === undefined
    ? new MarkerSingles(scope, settings, preparation)
    : new MarkerBatches(scope, settings, preparation, options.batch);
}
