import { basename, extname, join, relative, resolve, sep } from "node:path";
import { manifestFolder, partitionPath } from "../stage/events.ts";
import { checkOwnFolder, findStage } from "../stage/stage-root.ts";
import { mergeManifest, type ManifestForm, type ManifestRow } from "../running/manifest.ts";
import { removeOutput } from "../running/outputs.ts";
import type { WorkOptions } from "../running/run-in-workers.ts";
import { RunState } from "../running/run-state.ts";
import type { StageResult } from "../running/stage-result.ts";
import {
  StageWork,
  type Outcome,
  type ResultFrom,
  type StageWorkOptions,
} from "../running/stage-work.ts";
import { removeSegments, segmentErrorPath, type SegmentEvent } from "./events.ts";
import { checkColumn, findRuns } from "./find-runs.ts";
import type { RunErrorCode } from "./run-error.ts";
import type * as Worker from "./segment-worker.ts";
import {
  segmentErrorText,
  type Segmented,
  type SegmentTask,
  type Unsegmented,
} from "./segment-worker.ts";
import type { SegmentSettings } from "./settings.ts";
import { parseStagedPath } from "./staged-path.ts";

/** Changed when the same run gives other segments for a reason that no other part tells. */
const recipeVersion = 1;

const workerModule = new URL(`./segment-worker${extname(import.meta.url)}`, import.meta.url);

export interface PreprocessOptions extends StageWorkOptions {
  readonly stageRoot: string;
  readonly outputRoot: string;
  readonly procedure: string;
  readonly voltageCol: string;
  /** Volts. */
  readonly dvThreshold: number;
  readonly minSegmentPoints: number;
}

type Recorded = Segmented | Unsegmented;
type Work = WorkOptions<typeof Worker, SegmentTask, Outcome<Recorded>>["work"];

const manifestForm: ManifestForm = {
  columns: {
    ts: "string",
    status: "string",
    run_id: "string",
    source_path: "string",
    segments_detected: "int64",
    segments_written: "int64",
    output_paths: "string",
    segment_details: "string",
    error: "string",
  },
  keys: ["run_id", "ts", "status", "source_path"],
};

/** `…/iv_segments` below the output root, or the output root itself where that is its name. */
export function segmentsRootOf(outputRoot: string, procedure: string): string {
  const name = `${procedure.toLowerCase()}_segments`;
  return basename(outputRoot) === name ? outputRoot : join(outputRoot, name);
}

/**
 * Stage 2: staged runs of one procedure to a Parquet file for each segment of their sweep. A run that
 * cannot be segmented becomes an error event and stops nothing. Resolves when every process is gone.
 * Rejects with `INVALID_ARGUMENT`, `LOCKED`, `MANIFEST_DAMAGED` or `OUTPUT`.
 */
export async function preprocess(options: PreprocessOptions): Promise<StageResult> {
  using prepared = await preparePreprocess(options);
  return await prepared.run();
}

/** A second stage that knows what it has to do, and has started no process. */
export interface PreparedPreprocess extends Disposable {
  run(): Promise<StageResult>;
}

/** All of `preprocess` that comes before its first process. Rejects as it does. */
export async function preparePreprocess(options: PreprocessOptions): Promise<PreparedPreprocess> {
  const stage = findStage(options.stageRoot);
  const runs = findRuns(stage, options.procedure);
  checkColumn(runs, options.voltageCol);
  const root = segmentsRootOf(options.outputRoot, options.procedure);
  checkOwnFolder(root, "output folder");
  const state = await RunState.open<Recorded>(join(root, manifestFolder));
  const segmenting = new Segmenting(options, { stage, root }, state, runs);
  segmenting.removeVanished();
  const tasks = segmenting.plan();
  return {
    run: () => segmenting.work(tasks),
    [Symbol.dispose]: () => state[Symbol.dispose](),
  };
}

class Segmenting extends StageWork<typeof Worker, SegmentTask, Segmented, Unsegmented> {
  protected readonly module = workerModule;
  readonly #procedure: string;
  readonly #stage: string;
  readonly #settings: SegmentSettings;
  readonly #rows: ManifestRow[] = [];

  constructor(
    options: PreprocessOptions,
    { stage, root }: { readonly stage: string; readonly root: string },
    state: RunState<Recorded>,
    runs: readonly string[],
  ) {
    const { voltageCol, dvThreshold, minSegmentPoints } = options;
    const recipe = JSON.stringify([recipeVersion, voltageCol, dvThreshold, minSegmentPoints]);
    super("preprocess", state, runs, recipe, options);
    this.#procedure = options.procedure;
    this.#stage = resolve(stage);
    this.#settings = {
      stage: relative(root, stage),
      segmentsRoot: root,
      voltageCol,
      dvThreshold,
      minSegmentPoints,
    };
  }

  protected readonly inWorker: Work = (pool, batch, how) =>
    pool.runWith(how, "segmentRuns", batch, this.#settings, this.state.unfinished);

  /**
   * A run that is staged no more has no segments either. Touches only what is recorded as ours, and
   * not what was made from another stage root: of that, this run knows nothing.
   */
  removeVanished(): void {
    const { segmentsRoot } = this.#settings;
    const present = new Set(this.sources);
    const folderOf = (source: string): string =>
      partitionPath(segmentsRoot, parseStagedPath(source));
    const taken = new Set(this.sources.map(folderOf));
    const vanished: string[] = [];
    for (const { source, result } of this.state.all()) {
      if (present.has(source) || parseStagedPath(source).procedure !== this.#procedure) continue;
      // The same run by another path, or from another stage root: its place is this one's now.
      const isTaken = taken.has(folderOf(source));
      if (!isTaken && !this.#isOfThisStage(source, result)) continue;
      vanished.push(source);
      if (!isTaken) removeSegments(segmentsRoot, source);
      removeOutput(segmentErrorPath(segmentsRoot, source));
    }
    if (vanished.length > 0) this.state.forget(vanished);
  }

  #isOfThisStage(source: string, { stage }: Recorded): boolean {
    if (stage !== undefined) return stage === this.#settings.stage;
    return resolve(source).startsWith(this.#stage + sep); // recorded by an older program
  }

  protected outputsOf({ event }: Segmented): readonly string[] {
    return event.output_paths;
  }

  protected taskFor(source: string, earlier: Recorded | undefined): SegmentTask {
    return earlier?.status === "error" ? { source, wasRefused: true } : { source };
  }

  protected count(source: string, { event }: Segmented, from: ResultFrom): void {
    if (from === "before") {
      this.#rows.push(okRow({ ...event, status: "skipped", segments_written: 0 }));
      this.accounting.skipped(source);
    } else {
      this.#rows.push(okRow(event));
      this.accounting.ok(source, {
        produced: event.segments_written,
        before: from === "this run",
      });
    }
  }

  protected lose({ source }: SegmentTask, cause: string, why: string): Outcome<Unsegmented> {
    const code: RunErrorCode = cause === "TASK_FAILED" ? "FAILED" : "WORKER_LOST";
    const message = `it could not be segmented: ${cause}: ${why}`;
    const { stage, segmentsRoot } = this.#settings;
    this.writer.write(segmentErrorPath(segmentsRoot, source), segmentErrorText(source, message));
    removeSegments(segmentsRoot, source);
    return { source, stamp: null, hash: null, status: "error", code, message, stage };
  }

  protected async finish(mayBeNew: boolean): Promise<void> {
    if (!mayBeNew) return;
    const path = join(this.#settings.segmentsRoot, manifestFolder, "manifest.parquet");
    await mergeManifest(path, this.#rows, manifestForm, this.writer);
  }
}

function okRow(event: SegmentEvent): ManifestRow {
  return {
    ...event,
    segments_detected: BigInt(event.segments_detected),
    segments_written: BigInt(event.segments_written),
    output_paths: JSON.stringify(event.output_paths),
    segment_details: JSON.stringify(event.segment_details),
    error: null,
  };
}
