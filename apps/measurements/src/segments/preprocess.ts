import { rmSync } from "node:fs";
import { basename, extname, join } from "node:path";
import type { EventListener } from "cofferdam";
import { manifestFolder, partitionPath } from "../stage/events.ts";
import { checkOwnFolder, findStage } from "../stage/stage-root.ts";
import { Accounting } from "../running/accounting.ts";
import { decide } from "../running/decide.ts";
import { mergeManifest, type ManifestForm, type ManifestRow } from "../running/manifest.ts";
import { OutputWriter } from "../running/outputs.ts";
import { runInWorkers, type WorkEnd } from "../running/run-in-workers.ts";
import { RunState } from "../running/run-state.ts";
import type { StageResult } from "../running/stage-result.ts";
import { segmentErrorPath, segmentEventPath, type SegmentEvent } from "./events.ts";
import { checkColumn, findRuns } from "./find-runs.ts";
import type { RunErrorCode } from "./run-error.ts";
import type * as Worker from "./segment-worker.ts";
import { segmentErrorText, type SegmentOutcome, type SegmentTask } from "./segment-worker.ts";
import type { SegmentSettings } from "./settings.ts";
import { parseStagedPath } from "./staged-path.ts";

/** Changed when the same run gives other segments for a reason that no other part tells. */
const recipeVersion = 1;

const workerModule = new URL(`./segment-worker${extname(import.meta.url)}`, import.meta.url);

export interface PreprocessOptions {
  readonly stageRoot: string;
  readonly outputRoot: string;
  readonly procedure: string;
  readonly voltageCol: string;
  /** Volts. */
  readonly dvThreshold: number;
  readonly minSegmentPoints: number;
  readonly workers: number;
  /** Works on what has not changed, too. */
  readonly force: boolean;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

/** What is recorded of a run. */
type Recorded =
  | { readonly status: "ok"; readonly event: SegmentEvent }
  | { readonly status: "error"; readonly code: string; readonly message: string };

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
  const runs = findRuns(findStage(options.stageRoot), options.procedure);
  checkColumn(runs, options.voltageCol);
  const root = segmentsRootOf(options.outputRoot, options.procedure);
  checkOwnFolder(root, "output folder");
  const state = await RunState.open<Recorded>(join(root, manifestFolder));
  const segmenting = new Segmenting(options, root, state, runs);
  const tasks = segmenting.plan();
  return {
    run: () => segmenting.run(tasks),
    [Symbol.dispose]: () => state[Symbol.dispose](),
  };
}

class Segmenting {
  readonly #options: PreprocessOptions;
  readonly #state: RunState<Recorded>;
  readonly #runs: readonly string[];
  readonly #settings: SegmentSettings;
  readonly #recipe: string;
  readonly #writer: OutputWriter;
  readonly #accounting: Accounting;
  readonly #rows: ManifestRow[] = [];
  #run = 0;

  constructor(
    options: PreprocessOptions,
    segmentsRoot: string,
    state: RunState<Recorded>,
    runs: readonly string[],
  ) {
    const { voltageCol, dvThreshold, minSegmentPoints, workers, onEvent } = options;
    this.#options = options;
    this.#state = state;
    this.#runs = runs;
    this.#settings = { segmentsRoot, voltageCol, dvThreshold, minSegmentPoints };
    this.#recipe = JSON.stringify([recipeVersion, voltageCol, dvThreshold, minSegmentPoints]);
    this.#writer = new OutputWriter(join(state.unfinished, "main"));
    this.#accounting = new Accounting("preprocess", runs.length, workers, onEvent);
  }

  async run(tasks: readonly SegmentTask[]): Promise<StageResult> {
    const end = await this.#work(tasks);
    if (!end.interrupted) this.#state.endRun(this.#run);
    return this.#accounting.close(end);
  }

  #work(tasks: readonly SegmentTask[]): Promise<WorkEnd> {
    const { workers, onEvent, signal } = this.#options;
    return runInWorkers<typeof Worker, SegmentTask, SegmentOutcome>({
      module: workerModule,
      workers,
      tasks,
      work: (pool, batch, how) =>
        pool.runWith(how, "segmentRuns", batch, this.#settings, this.#state.unfinished),
      explainLost: (task, error) => this.#lose(task, error.code, error.message),
      onOutcomes: (outcomes) => this.#record(outcomes),
      beforeEnd: async () => {
        if (tasks.length > 0) await this.#writeManifest();
      },
      onEvent,
      signal,
    });
  }

  /** A run that is staged no more has no segments either. Touches only what is recorded as ours. */
  #removeVanished(): void {
    const { segmentsRoot } = this.#settings;
    const present = new Set(this.#runs);
    const vanished: string[] = [];
    for (const { source } of this.#state.all()) {
      const path = parseStagedPath(source);
      if (present.has(source) || path.procedure !== this.#options.procedure) continue;
      vanished.push(source);
      rmSync(partitionPath(segmentsRoot, path), { recursive: true, force: true });
      rmSync(segmentEventPath(segmentsRoot, path.runId), { force: true });
      rmSync(segmentErrorPath(segmentsRoot, source), { force: true });
    }
    if (vanished.length > 0) this.#state.forget(vanished);
  }

  /** Decides what there is to do. Removes what is left of runs that are staged no more. */
  plan(): SegmentTask[] {
    this.#run = this.#state.beginRun(this.#recipe).run;
    this.#removeVanished();
    const { force } = this.#options;
    const options = { recipe: this.#recipe, run: this.#run, force };
    const tasks: SegmentTask[] = [];
    for (const source of this.#runs) {
      const row = this.#state.find(source);
      const result = row?.result;
      const outputs = result?.status === "ok" ? result.event.output_paths : [];
      const decision = decide(row, source, outputs, options);
      this.#accounting.because(decision.work ? decision.reason : decision.because);
      if (decision.work)
        tasks.push({ source, ...(result?.status === "error" ? { wasRefused: true } : {}) });
      else if (result) this.#keep(source, result, decision.because === "run");
    }
    return tasks;
  }

  /** A run that is not worked on again. */
  #keep(source: string, result: Recorded, isOfThisRun: boolean): void {
    if (result.status === "error") {
      this.#accounting.refused({ source, code: result.code, message: result.message });
      return;
    }
    const { event } = result;
    if (isOfThisRun) {
      this.#rows.push(okRow(event));
      this.#accounting.ok(source, { produced: event.segments_written, before: true });
    } else {
      this.#rows.push(okRow({ ...event, status: "skipped", segments_written: 0 }));
      this.#accounting.skipped(source);
    }
  }

  #record(outcomes: readonly SegmentOutcome[]): void {
    const common = { recipe: this.#recipe, run: this.#run };
    this.#state.record(
      outcomes.map(({ source, stamp, hash, ...result }) => ({
        ...common,
        source,
        stamp,
        hash,
        result,
      })),
    );
    for (const outcome of outcomes) {
      if (outcome.status === "ok") {
        this.#rows.push(okRow(outcome.event));
        this.#accounting.ok(outcome.source, { produced: outcome.event.segments_written });
      } else {
        const { source, code, message } = outcome;
        this.#accounting.refused({ source, code, message });
      }
    }
  }

  #lose({ source }: SegmentTask, cause: string, why: string): SegmentOutcome {
    const code: RunErrorCode = cause === "TASK_FAILED" ? "FAILED" : "WORKER_LOST";
    const message = `it could not be segmented: ${cause}: ${why}`;
    const path = segmentErrorPath(this.#settings.segmentsRoot, source);
    this.#writer.write(path, segmentErrorText(source, message));
    return { source, stamp: null, hash: null, status: "error", code, message };
  }

  async #writeManifest(): Promise<void> {
    const path = join(this.#settings.segmentsRoot, manifestFolder, "manifest.parquet");
    await mergeManifest(path, this.#rows, manifestForm, this.#writer);
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
