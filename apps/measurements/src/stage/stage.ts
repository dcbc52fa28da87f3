import { createHash } from "node:crypto";
import { extname, join } from "node:path";
import type { Procedures } from "../procedures/procedures.ts";
import { mergeManifest, type ManifestForm, type ManifestRow } from "../running/manifest.ts";
import type { WorkOptions } from "../running/run-in-workers.ts";
import { RunState } from "../running/run-state.ts";
import type { StageResult } from "../running/stage-result.ts";
import {
  StageWork,
  type Outcome,
  type ResultFrom,
  type StageWorkOptions,
} from "../running/stage-work.ts";
import { manifestFolder, rejectPath, rejectText, removeStaged, type StageEvent } from "./events.ts";
import { findSources } from "./find-sources.ts";
import type { RejectionCode } from "./rejection.ts";
import type { StageSettings } from "./settings.ts";
import { checkOwnFolder } from "./stage-root.ts";
import type * as Worker from "./stage-worker.ts";
import type { Rejected, Staged, StageTask } from "./stage-worker.ts";

/** Changed when the same file gives another result for a reason that no other part tells. */
const recipeVersion = 1;

const workerModule = new URL(`./stage-worker${extname(import.meta.url)}`, import.meta.url);

export interface StageOptions extends StageWorkOptions {
  readonly rawRoot: string;
  readonly stageRoot: string;
  readonly procedures: Procedures;
  readonly localTz: string;
  readonly onlyYamlData: boolean;
  /** Called when all is done and recorded, before the processes end. */
  readonly beforeEnd?: () => Promise<void>;
}

type Recorded = Staged | Rejected;
type Work = WorkOptions<typeof Worker, StageTask, Outcome<Recorded>>["work"];

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
  const staging = new Staging(options, state, sources);
  return await staging.work(staging.plan());
}

class Staging extends StageWork<typeof Worker, StageTask, Staged, Rejected> {
  protected readonly module = workerModule;
  readonly #options: StageOptions;
  readonly #settings: StageSettings;
  readonly #events: StageEvent[] = [];

  constructor(options: StageOptions, state: RunState<Recorded>, sources: readonly string[]) {
    const { stageRoot, procedures, localTz, onlyYamlData } = options;
    const recipe = createHash("sha256")
      .update(JSON.stringify([recipeVersion, procedures, localTz, onlyYamlData]))
      .digest("hex");
    super("stage", state, sources, recipe, options);
    this.#options = options;
    this.#settings = { stageRoot, procedures, localTz, onlyYamlData };
  }

  protected readonly inWorker: Work = (pool, batch, how) =>
    pool.runWith(how, "stageFiles", batch, this.#settings, this.state.unfinished);

  protected outputsOf({ event }: Staged): readonly string[] {
    return [event.path];
  }

  protected taskFor(source: string, earlier: Recorded | undefined): StageTask {
    if (earlier === undefined) return { source };
    return earlier.status === "ok"
      ? { source, earlier: earlier.event }
      : { source, wasRejected: true };
  }

  protected count(source: string, { event, notNumbers }: Staged, from: ResultFrom): void {
    if (from === "before") {
      this.#events.push({ ...event, status: "skipped" });
      this.accounting.skipped(source);
    } else {
      this.#events.push(event);
      this.accounting.ok(source, {
        produced: event.rows,
        notNumbers,
        before: from === "this run",
      });
    }
  }

  protected lose({ source, earlier }: StageTask, cause: string, why: string): Outcome<Rejected> {
    const code: RejectionCode = cause === "TASK_FAILED" ? "FAILED" : "WORKER_LOST";
    const message = `it could not be staged: ${cause}: ${why}`;
    const { stageRoot } = this.#options;
    this.writer.write(rejectPath(stageRoot, source), rejectText(source, message));
    if (earlier) removeStaged(stageRoot, earlier);
    return { source, stamp: null, hash: null, status: "rejected", code, message };
  }

  protected async finish(mayBeNew: boolean): Promise<void> {
    if (mayBeNew) await this.#writeManifest();
    await this.#options.beforeEnd?.();
  }

  async #writeManifest(): Promise<void> {
    const rows = this.#events.map((event): ManifestRow => ({ ...event, rows: BigInt(event.rows) }));
    const path = join(this.#options.stageRoot, manifestFolder, "manifest.parquet");
    await mergeManifest(path, rows, manifestForm, this.writer);
  }
}
