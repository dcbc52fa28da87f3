import { createHash } from "node:crypto";
import { extname, join } from "node:path";
import type { EventListener } from "cofferdam";
import type { Procedures } from "../procedures/procedures.ts";
import { Accounting } from "../running/accounting.ts";
import { decide } from "../running/decide.ts";
import { mergeManifest, type ManifestForm, type ManifestRow } from "../running/manifest.ts";
import { OutputWriter } from "../running/outputs.ts";
import { runInWorkers, type WorkEnd } from "../running/run-in-workers.ts";
import { RunState } from "../running/run-state.ts";
import type { StageResult } from "../running/stage-result.ts";
import { manifestFolder, rejectPath, rejectText, type StageEvent } from "./events.ts";
import { findSources } from "./find-sources.ts";
import type { RejectionCode } from "./rejection.ts";
import type { StageSettings } from "./settings.ts";
import { checkOwnFolder } from "./stage-root.ts";
import type * as Worker from "./stage-worker.ts";
import type { StageOutcome, StageTask } from "./stage-worker.ts";

/** Changed when the same file gives another result for a reason that no other part tells. */
const recipeVersion = 1;

const workerModule = new URL(`./stage-worker${extname(import.meta.url)}`, import.meta.url);

export interface StageOptions {
  readonly rawRoot: string;
  readonly stageRoot: string;
  readonly procedures: Procedures;
  readonly localTz: string;
  readonly onlyYamlData: boolean;
  readonly workers: number;
  /** Works on what has not changed, too. */
  readonly force: boolean;
  /** Called when all is done and recorded, before the processes end. */
  readonly beforeEnd?: () => Promise<void>;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

/** What is recorded of a file. */
type Recorded =
  | { readonly status: "ok"; readonly event: StageEvent; readonly notNumbers: number }
  | { readonly status: "rejected"; readonly code: string; readonly message: string };

const manifestForm: ManifestForm = {
  columns: {
    ts: "string",
    status: "string",
    run_id: "string",
    proc: "string",
    rows: "int64",
    path: "string",
    source_file: "string",
    date_origin: "string",
  },
  keys: ["run_id", "ts", "status", "path"],
};

/**
 * Stage 1: instrument files to Parquet, partitioned by procedure, date and run. A file that cannot be
 * staged becomes a reject record and stops nothing. Resolves when every process is gone. Rejects with
 * `INVALID_ARGUMENT`, `LOCKED`, `MANIFEST_DAMAGED` or `OUTPUT`.
 */
export async function stage(options: StageOptions): Promise<StageResult> {
  const sources = findSources(options.rawRoot);
  checkOwnFolder(options.stageRoot, "stage root");
  using state = await RunState.open<Recorded>(join(options.stageRoot, manifestFolder));
  return await new Staging(options, state, sources).run();
}

class Staging {
  readonly #options: StageOptions;
  readonly #state: RunState<Recorded>;
  readonly #sources: readonly string[];
  readonly #settings: StageSettings;
  readonly #recipe: string;
  readonly #writer: OutputWriter;
  readonly #accounting: Accounting;
  readonly #events: StageEvent[] = [];
  #run = 0;

  constructor(options: StageOptions, state: RunState<Recorded>, sources: readonly string[]) {
    const { stageRoot, procedures, localTz, onlyYamlData, workers, onEvent } = options;
    this.#options = options;
    this.#state = state;
    this.#sources = sources;
    this.#settings = { stageRoot, procedures, localTz, onlyYamlData };
    this.#recipe = createHash("sha256")
      .update(JSON.stringify([recipeVersion, procedures, localTz, onlyYamlData]))
      .digest("hex");
    this.#writer = new OutputWriter(join(state.unfinished, "main"));
    this.#accounting = new Accounting("stage", sources.length, workers, onEvent);
  }

  async run(): Promise<StageResult> {
    this.#run = this.#state.beginRun(this.#recipe).run;
    const tasks = this.#plan();
    const end = await this.#work(tasks);
    if (!end.interrupted) this.#state.endRun(this.#run);
    return this.#accounting.close(end);
  }

  #work(tasks: readonly StageTask[]): Promise<WorkEnd> {
    const { workers, onEvent, signal } = this.#options;
    return runInWorkers<typeof Worker, StageTask, StageOutcome>({
      module: workerModule,
      workers,
      tasks,
      work: (pool, batch, how) =>
        pool.runWith(how, "stageFiles", batch, this.#settings, this.#state.unfinished),
      explainLost: (task, error) => this.#lose(task, error.code, error.message),
      onOutcomes: (outcomes) => this.#record(outcomes),
      beforeEnd: async () => {
        if (tasks.length > 0) await this.#writeManifest();
        await this.#options.beforeEnd?.();
      },
      onEvent,
      signal,
    });
  }

  #plan(): StageTask[] {
    const { force } = this.#options;
    const options = { recipe: this.#recipe, run: this.#run, force };
    const tasks: StageTask[] = [];
    for (const source of this.#sources) {
      const row = this.#state.find(source);
      const result = row?.result;
      const outputs = result?.status === "ok" ? [result.event.path] : [];
      const decision = decide(row, source, outputs, options);
      this.#accounting.because(decision.work ? decision.reason : decision.because);
      if (decision.work)
        tasks.push({
          source,
          ...(result?.status === "ok" ? { earlier: result.event } : {}),
          ...(result?.status === "rejected" ? { wasRejected: true } : {}),
        });
      else if (result) this.#keep(source, result, decision.because === "run");
    }
    return tasks;
  }

  /** An input that is not worked on again. */
  #keep(source: string, result: Recorded, isOfThisRun: boolean): void {
    if (result.status === "rejected") {
      this.#accounting.refused({ source, code: result.code, message: result.message });
      return;
    }
    const { event, notNumbers } = result;
    this.#events.push(isOfThisRun ? event : { ...event, status: "skipped" });
    if (isOfThisRun)
      this.#accounting.ok(source, { produced: event.rows, notNumbers, before: true });
    else this.#accounting.skipped(source);
  }

  #record(outcomes: readonly StageOutcome[]): void {
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
        const { event, notNumbers } = outcome;
        this.#events.push(event);
        this.#accounting.ok(outcome.source, { produced: event.rows, notNumbers });
      } else {
        const { source, code, message } = outcome;
        this.#accounting.refused({ source, code, message });
      }
    }
  }

  #lose({ source }: StageTask, cause: string, why: string): StageOutcome {
    const code: RejectionCode = cause === "TASK_FAILED" ? "FAILED" : "WORKER_LOST";
    const message = `it could not be staged: ${cause}: ${why}`;
    this.#writer.write(rejectPath(this.#options.stageRoot, source), rejectText(source, message));
    return { source, stamp: null, hash: null, status: "rejected", code, message };
  }

  async #writeManifest(): Promise<void> {
    const rows = this.#events.map((event): ManifestRow => ({ ...event, rows: BigInt(event.rows) }));
    const path = join(this.#options.stageRoot, manifestFolder, "manifest.parquet");
    await mergeManifest(path, rows, manifestForm, this.#writer);
  }
}
