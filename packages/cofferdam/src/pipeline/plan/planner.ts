import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { errorMessage } from "../../errors/index.ts";
import { ConfigError, type LoadedPipeline } from "../config/index.ts";
import { itemState, type ItemRow, type PipelineManifest } from "../manifest/index.ts";
import { Collisions } from "./collisions.ts";
import { digestGroup } from "./gather.ts";
import { Judge, type JudgeOptions, type Verdict } from "./judge.ts";
import { KnownOutputs } from "./known-outputs.ts";
import { planningInterrupted } from "./recipe.ts";
import { refusalOf } from "./refusal.ts";
import type { ItemPlace, PlannedStage } from "./stage-plan.ts";
import {
  compareUtf8,
  compilePatterns,
  walkFiles,
  type FilePatterns,
  type FoundFile,
} from "./walk.ts";

/** What planning found out about a stage's items. */
export interface StageSummary {
  readonly stage: string;
  /** Items that are known now; a stage that reads another may get more while it runs. */
  discovered: number;
  toRun: number;
  unchanged: number;
  quarantined: number;
  refused: number;
  /** Of a gathering stage: which of its inputs are missing, so that it is not run. */
  missing: string | null;
  /** Which were refused and why; the first of them. */
  readonly refusals: { readonly item: string; readonly message: string }[];
  /** Known from an earlier run, and no longer there. */
  gone: number;
  /** Why items run, and how many for each reason. */
  readonly reasons: Map<string, number>;
}

export interface PlanOptions extends JudgeOptions {
  readonly signal: AbortSignal;
  /** Told of each item. */
  readonly onVerdict?: (
    stage: string,
    key: string,
    output: string | null,
    verdict: Verdict,
  ) => void;
  readonly onDiscovered?: (stage: string, count: number) => void;
}

/** An item that has just come to be known. */
export interface Arrival {
  readonly verdict: Verdict;
  readonly output: string | null;
  /** Within a transaction: `run` is the state of an item that is to run. */
  readonly apply: (run: RunState) => void;
}

type RunState = typeof itemState.pending | typeof itemState.queued;

/** Refused items that are told one by one. */
const refusalsMax = 8;

const nameless: ItemPlace = {
  output: null,
  problem: "its name is not UTF-8, so no program can be given it; rename it",
};

/** Items between two looks at signals and timers. */
const turnItems = 5_000;

/** Finds a pipeline's items and decides about each; the manifest then holds what is to be done. */
export class Planner {
  readonly #loaded: LoadedPipeline;
  readonly #manifest: PipelineManifest;
  readonly #options: PlanOptions;
  readonly #judge: Judge;
  readonly #outputs: KnownOutputs;
  readonly #collisions: Collisions;
  #sinceTurn = 0;

  constructor(loaded: LoadedPipeline, manifest: PipelineManifest, options: PlanOptions) {
    this.#loaded = loaded;
    this.#manifest = manifest;
    this.#options = options;
    this.#judge = new Judge(manifest, loaded.folder, options);
    this.#outputs = new KnownOutputs(manifest, loaded.pipeline.params ?? {});
    this.#collisions = new Collisions(manifest, this.#outputs, loaded.pipeline.params ?? {});
  }

  /** Plans a stage; those that it reads must have been planned before. */
  async planStage(stage: PlannedStage): Promise<StageSummary> {
    const summary = emptySummary(stage.name);
    this.#collisions.add(stage);
    const { each, gather } = stage.definition;
    if (each !== undefined) {
      await this.#planEach(stage, summary);
      this.#outputs.setPlanned(stage, "all");
    } else if (gather === undefined) {
      await this.#planFrom(stage, summary);
      this.#outputs.setPlanned(stage, "arrived");
    } else {
      // What a gathering stage is made from is known only when the stage before has ended.
      this.#outputs.setPlanned(stage, "nothing");
    }
    if (each === undefined || summary.toRun > 0 || this.#collisions.hasRivals(stage))
      this.#refuseCollision(stage);
    return summary;
  }

  /** Decides about an item that a stage before has just made; `apply` makes it so. */
  async judgeArrival(stage: PlannedStage, key: string): Promise<Arrival> {
    const row = this.#manifest.find(stage.id, key);
    const place = this.#collisions.claim(stage, key);
    const { output } = place;
    const verdict = await this.#judge.file(stage, row, key, place);
    return {
      verdict,
      output,
      apply: (run) => {
        this.#dropOldOutput(stage, row, output);
        this.#apply(stage, row, key, output, verdict, run);
        this.#collisions.release(stage, output);
      },
    };
  }

  /**
   * Plans a gathering stage from all that the stage before has made; leaves it as it is when inputs
   * are missing. `onUnchanged` is told of the outputs that are up to date.
   */
  async planGather(
    stage: PlannedStage,
    onUnchanged?: (path: string) => void,
  ): Promise<StageSummary> {
    const summary = emptySummary(stage.name);
    this.#collisions.add(stage);
    const { upstream } = stage;
    if (!upstream) return summary;
    summary.missing = this.#missingInputs(stage);
    if (summary.missing !== null) return summary;
    this.#manifest.clearMembers(stage.id);
    const pattern = stage.definition.gather ?? "all";
    for (const path of this.#outputs.upToDate(upstream)) {
      this.#manifest.addMember(stage.id, this.#outputs.groupOf(pattern, path), path);
      await this.#breathe(null);
    }
    const groups = this.#manifest.groups(stage.id);
    for (const row of Array.from(iterate(this.#manifest.items(stage.id))))
      if (!groups.includes(row.key)) this.#remove(stage, row.key, summary);
    for (const key of groups) {
      const row = this.#manifest.find(stage.id, key);
      const place = stage.place(key);
      const { output } = place;
      this.#dropOldOutput(stage, row, output);
      const members = [...this.#manifest.members(stage.id, key)];
      const inputs = digestGroup(this.#loaded.folder, members);
      const verdict = await this.#judge.judge(stage, row, place, inputs);
      this.#apply(stage, row, key, output, verdict, itemState.pending);
      this.#count(stage, key, output, verdict, summary);
      if (verdict.action !== "skip" || output === null) continue;
      for (const path of this.#outputs.of(stage, key, output)) onUnchanged?.(path);
    }
    this.#outputs.setPlanned(stage, "all");
    this.#refuseCollision(stage);
    return summary;
  }

  /**
   * Those of the stages before whose items are not done, at any distance: an item that failed there
   * has left no trace in the stages between. Null where nothing is missing, or may be.
   */
  #missingInputs(stage: PlannedStage): string | null {
    if (stage.definition.allowMissing ?? false) return null;
    const missing: string[] = [];
    for (let before = stage.upstream; before !== null; before = before.upstream) {
      const { failed, quarantined, pending } = this.#manifest.counts(before.id);
      const count = failed + quarantined + pending;
      if (count > 0) missing.push(`${count} ${count === 1 ? "item" : "items"} of ${before.name}`);
      if (before.definition.allowMissing ?? false) break;
    }
    return missing.length === 0 ? null : missing.join(" and ");
  }

  async #planEach(stage: PlannedStage, summary: StageSummary): Promise<void> {
    const { each } = stage.definition;
    const isLines = typeof each === "object" && !Array.isArray(each);
    const patterns = isLines ? null : compilePatterns([each ?? []].flat());
    const found = isLines ? this.#lines(stage, each.lines) : this.#files(stage, patterns);
    const rows = this.#manifest.items(stage.id);
    let row = nextOf(rows);
    for (const { path: key, isNameless } of found) {
      // Both are in the same order: what comes before this name is no longer there.
      while (row !== null && compareUtf8(row.key, key) < 0) {
        this.#remove(stage, row.key, summary);
        row = nextOf(rows);
      }
      const known = row?.key === key ? row : null;
      // Before its row is written: the reader would come by it once more.
      if (known) row = nextOf(rows);
      const place = isNameless ? nameless : stage.place(key);
      const { output } = place;
      if (output !== null && patterns) this.#refuseOwnInput(stage, key, output, patterns);
      this.#dropOldOutput(stage, known, output);
      const verdict = isLines
        ? await this.#judge.line(stage, known, place)
        : await this.#judge.file(stage, known, key, place);
      this.#apply(stage, known, key, output, verdict, itemState.pending);
      this.#count(stage, key, output, verdict, summary);
      await this.#breathe(summary);
    }
    for (; row !== null; row = nextOf(rows)) this.#remove(stage, row.key, summary);
    if (summary.discovered === 0) throw this.#nothingFound(stage, each);
  }

  #files(stage: PlannedStage, patterns: FilePatterns | null): Iterable<FoundFile> {
    try {
      return patterns ? walkFiles(this.#loaded.folder, patterns) : [];
    } catch (error) {
      throw this.#problem(stage, "each", `cannot be looked through: ${errorMessage(error)}`);
    }
  }

  #lines(stage: PlannedStage, file: string): FoundFile[] {
    try {
      const text = readFileSync(join(this.#loaded.folder, file), "utf8");
      const lines = new Set(text.split(/\r?\n/).filter((line) => line !== ""));
      return [...lines].sort(compareUtf8).map((path) => ({ path, isNameless: false }));
    } catch (error) {
      throw this.#problem(stage, "each", `cannot be read: ${errorMessage(error)}`);
    }
  }

  async #planFrom(stage: PlannedStage, summary: StageSummary): Promise<void> {
    const { upstream } = stage;
    if (!upstream) return;
    this.#collisions.prepare(stage);
    // What an earlier run has left undone waits until its input has arrived.
    this.#manifest.holdBack(stage.id);
    for (const key of this.#outputs.upToDate(upstream)) {
      const { verdict, output, apply } = await this.judgeArrival(stage, key);
      apply(itemState.pending);
      this.#count(stage, key, output, verdict, summary);
      await this.#breathe(null);
    }
  }

  outputsOf(stage: PlannedStage, key: string, output: string): string[] {
    return this.#outputs.of(stage, key, output);
  }

  #apply(
    stage: PlannedStage,
    row: ItemRow | null,
    key: string,
    output: string | null,
    verdict: Verdict,
    run: RunState,
  ): void {
    const { id } = stage;
    switch (verdict.action) {
      case "run":
        if (row === null) this.#manifest.insert(id, key, run, output);
        else if (row.state !== run || row.output !== output)
          this.#manifest.plan(id, key, run, output);
        break;
      case "skip":
        if (verdict.stamp !== undefined) this.#manifest.setStamp(id, key, verdict.stamp);
        break;
      case "refuse":
        if (row === null) this.#manifest.insert(id, key, itemState.failed, output);
        this.#manifest.refuse(id, key, refusalOf(stage.name, key, verdict.message));
        break;
      case "leave":
        break;
    }
  }

  #count(
    stage: PlannedStage,
    key: string,
    output: string | null,
    verdict: Verdict,
    summary: StageSummary,
  ): void {
    summary.discovered++;
    this.#options.onVerdict?.(stage.name, key, output, verdict);
    if (verdict.action === "skip") summary.unchanged++;
    else if (verdict.action === "leave") summary.quarantined++;
    else if (verdict.action === "refuse") {
      summary.refused++;
      const { message } = verdict;
      if (summary.refusals.length < refusalsMax) summary.refusals.push({ item: key, message });
    } else {
      summary.toRun++;
      const { reason } = verdict;
      summary.reasons.set(reason, (summary.reasons.get(reason) ?? 0) + 1);
    }
  }

  /** What was made from an output that will now have another name is made from nothing. */
  #dropOldOutput(stage: PlannedStage, row: ItemRow | null, output: string | null): void {
    if (row?.output == null || row.output === output) return;
    for (const path of this.outputsOf(stage, row.key, row.output))
      for (const next of stage.downstream) this.#remove(next, path, null);
  }

  #remove(stage: PlannedStage, key: string, summary: StageSummary | null): void {
    const row = this.#manifest.find(stage.id, key);
    if (row === null) return;
    this.#dropOldOutput(stage, row, null);
    this.#manifest.remove(stage.id, key);
    if (summary) summary.gone++;
  }

  /** Forgets what was made from a file that is no longer among a folder's outputs. */
  forgetArrival(stage: PlannedStage, key: string): void {
    this.#remove(stage, key, null);
  }

  async #breathe(summary: StageSummary | null): Promise<void> {
    if (++this.#sinceTurn < turnItems) return;
    this.#sinceTurn = 0;
    if (summary) this.#options.onDiscovered?.(summary.stage, summary.discovered);
    await nextTurn();
    if (this.#options.signal.aborted) throw planningInterrupted();
  }

  #refuseOwnInput(stage: PlannedStage, key: string, output: string, patterns: FilePatterns): void {
    const path = stage.makesFolder ? `${output}/x` : output;
    if (output !== key && !patterns.matches(path)) return;
    const what = output === key ? "its own input" : "an input of the next run";
    throw this.#problem(
      stage,
      "out",
      `makes ${JSON.stringify(output)}, which each matches: it would be ${what}; put outputs elsewhere, or leave them out with "!…" in each`,
    );
  }

  #refuseCollision(stage: PlannedStage): void {
    const collision = this.#collisions.find(stage);
    if (!collision) return;
    const { output, holders, remedy } = collision;
    const [one, other] = holders;
    throw this.#problem(
      stage,
      "out",
      `gives ${one} and ${other} the same output ${JSON.stringify(output)}; ${remedy}`,
    );
  }

  #nothingFound(stage: PlannedStage, each: unknown): ConfigError {
    return this.#problem(
      stage,
      "each",
      `matches nothing: ${JSON.stringify(each)}, looked for in ${this.#loaded.folder}; put the files there, or correct the pattern (\`**/\` looks in the folders below too)`,
    );
  }

  #problem(stage: PlannedStage, key: string, message: string): ConfigError {
    const path = ["stages", stage.name, key];
    return new ConfigError(this.#loaded.file, [{ path, message }], this.#loaded.locate);
  }
}

function emptySummary(stage: string): StageSummary {
  return {
    stage,
    ...{ discovered: 0, toRun: 0, unchanged: 0, quarantined: 0, refused: 0, gone: 0 },
    ...{ missing: null, refusals: [] },
    reasons: new Map(),
  };
}

function nextOf(rows: Iterator<ItemRow>): ItemRow | null {
  const next = rows.next();
  return next.done ? null : next.value;
}

function* iterate(rows: Iterator<ItemRow>): Generator<ItemRow> {
  for (let row = nextOf(rows); row !== null; row = nextOf(rows)) yield row;
}
