import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { CofferdamError, errorMessage } from "../../errors/index.ts";
import { ConfigError, fillIn, isInjective, type LoadedPipeline } from "../config/index.ts";
import { itemState, type ItemRow, type PipelineManifest } from "../manifest/index.ts";
import { digestGroup } from "./gather.ts";
import { Judge, type JudgeOptions, type Verdict } from "./judge.ts";
import type { PlannedStage } from "./stage-plan.ts";
import { compareUtf8, compilePatterns, walkFiles, type FilePatterns } from "./walk.ts";

/** What planning found out about a stage's items. */
export interface StageSummary {
  readonly stage: string;
  /** Items that are known now; a stage that reads another may get more while it runs. */
  discovered: number;
  toRun: number;
  unchanged: number;
  quarantined: number;
  refused: number;
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
  /** Within a transaction: `run` is the state of an item that is to run. */
  readonly apply: (run: RunState) => void;
}

type RunState = typeof itemState.pending | typeof itemState.queued;

/** Items between two looks at signals and timers. */
const turnItems = 5_000;

/** Finds a pipeline's items and decides about each; the manifest then holds what is to be done. */
export class Planner {
  readonly #loaded: LoadedPipeline;
  readonly #manifest: PipelineManifest;
  readonly #options: PlanOptions;
  readonly #judge: Judge;
  #sinceTurn = 0;

  constructor(loaded: LoadedPipeline, manifest: PipelineManifest, options: PlanOptions) {
    this.#loaded = loaded;
    this.#manifest = manifest;
    this.#options = options;
    this.#judge = new Judge(manifest, loaded.folder, options);
  }

  /** Plans a stage; those that it reads must have been planned before. */
  async planStage(stage: PlannedStage): Promise<StageSummary> {
    const summary = emptySummary(stage.name);
    const { each, gather } = stage.definition;
    if (each !== undefined) await this.#planEach(stage, summary);
    // What a gathering stage is made from is known only when the stage before has ended.
    else if (gather === undefined) await this.#planFrom(stage, summary);
    this.#refuseCollision(stage, summary);
    return summary;
  }

  /** Decides about an item that a stage before has just made; `apply` makes it so. */
  async judgeArrival(stage: PlannedStage, key: string): Promise<Arrival> {
    const row = this.#manifest.find(stage.id, key);
    const output = stage.output(key);
    const verdict = await this.#judge.file(stage, row, key, output);
    return {
      verdict,
      apply: (run) => {
        this.#dropOldOutput(stage, row, output);
        this.#apply(stage, row, key, output, verdict, run);
      },
    };
  }

  /** Plans a gathering stage from all that the stage before has made. */
  async planGather(stage: PlannedStage): Promise<StageSummary> {
    const summary = emptySummary(stage.name);
    const { upstream } = stage;
    if (!upstream) return summary;
    this.#manifest.clearMembers(stage.id);
    const pattern = stage.definition.gather ?? "all";
    const params = this.#loaded.pipeline.params ?? {};
    await this.#eachOutput(upstream, (path) => {
      const group =
        pattern === "all" ? "all" : fillIn(pattern, { input: path, key: path, output: "", params });
      this.#manifest.addMember(stage.id, group, path);
    });
    const groups = this.#manifest.groups(stage.id);
    for (const row of Array.from(iterate(this.#manifest.items(stage.id))))
      if (!groups.includes(row.key)) this.#remove(stage, row.key, summary);
    for (const key of groups) {
      const row = this.#manifest.find(stage.id, key);
      const output = stage.output(key);
      this.#dropOldOutput(stage, row, output);
      const members = [...this.#manifest.members(stage.id, key)];
      const verdict = await this.#judge.judge(
        stage,
        row,
        output,
        digestGroup(this.#loaded.folder, members),
      );
      this.#apply(stage, row, key, output, verdict, itemState.pending);
      this.#count(stage, key, output, verdict, summary);
    }
    return summary;
  }

  async #planEach(stage: PlannedStage, summary: StageSummary): Promise<void> {
    const { each } = stage.definition;
    const isLines = typeof each === "object" && !Array.isArray(each);
    const patterns = isLines ? null : compilePatterns([each ?? []].flat());
    const names = isLines ? this.#lines(stage, each.lines) : this.#files(stage, patterns);
    const rows = this.#manifest.items(stage.id);
    let row = nextOf(rows);
    for (const key of names) {
      // Both are in the same order: what comes before this name is no longer there.
      while (row !== null && compareUtf8(row.key, key) < 0) {
        this.#remove(stage, row.key, summary);
        row = nextOf(rows);
      }
      const known = row?.key === key ? row : null;
      // Before its row is written: the reader would come by it once more.
      if (known) row = nextOf(rows);
      const output = stage.output(key);
      if (output !== null && patterns) this.#refuseOwnInput(stage, key, output, patterns);
      this.#dropOldOutput(stage, known, output);
      const verdict = isLines
        ? await this.#judge.line(stage, known, output)
        : await this.#judge.file(stage, known, key, output);
      this.#apply(stage, known, key, output, verdict, itemState.pending);
      this.#count(stage, key, output, verdict, summary);
      await this.#breathe(summary);
    }
    for (; row !== null; row = nextOf(rows)) this.#remove(stage, row.key, summary);
    if (summary.discovered === 0) throw this.#nothingFound(stage, each);
  }

  #files(stage: PlannedStage, patterns: FilePatterns | null): Iterable<string> {
    try {
      return patterns ? walkFiles(this.#loaded.folder, patterns) : [];
    } catch (error) {
      throw this.#problem(stage, "each", `cannot be looked through: ${errorMessage(error)}`);
    }
  }

  #lines(stage: PlannedStage, file: string): string[] {
    try {
      const text = readFileSync(join(this.#loaded.folder, file), "utf8");
      const lines = new Set(text.split(/\r?\n/).filter((line) => line !== ""));
      return [...lines].sort(compareUtf8);
    } catch (error) {
      throw this.#problem(stage, "each", `cannot be read: ${errorMessage(error)}`);
    }
  }

  async #planFrom(stage: PlannedStage, summary: StageSummary): Promise<void> {
    const { upstream } = stage;
    if (!upstream) return;
    await this.#eachOutput(upstream, async (key) => {
      const { verdict, apply } = await this.judgeArrival(stage, key);
      apply(itemState.pending);
      this.#count(stage, key, stage.output(key), verdict, summary);
    });
  }

  /** Calls for each output that a stage has made and that is up to date. */
  async #eachOutput(
    stage: PlannedStage,
    call: (path: string) => void | Promise<void>,
  ): Promise<void> {
    for (const row of iterate(this.#manifest.items(stage.id))) {
      if (row.state !== itemState.done || row.output === null) continue;
      for (const path of this.outputsOf(stage, row.key, row.output)) {
        await call(path);
        await this.#breathe(null);
      }
    }
  }

  outputsOf(stage: PlannedStage, key: string, output: string): string[] {
    return stage.makesFolder ? this.#manifest.outputs(stage.id, key) : [output];
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
        else this.#manifest.setState(id, key, itemState.failed);
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
    else if (verdict.action === "refuse") summary.refused++;
    else {
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
    if (this.#options.signal.aborted)
      throw new CofferdamError("CANCELLED", "planning was interrupted; nothing was changed");
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

  #refuseCollision(stage: PlannedStage, summary: StageSummary): void {
    const { out } = stage.definition;
    if (out === undefined || isInjective(out) || summary.toRun === 0) return;
    const collision = this.#manifest.collision(stage.id);
    if (!collision) return;
    const [one = "", other = ""] = collision.keys;
    throw this.#problem(
      stage,
      "out",
      `gives ${JSON.stringify(one)} and ${JSON.stringify(other)} the same output ${JSON.stringify(collision.output)}; put more of the input's name in it, such as {in.dir}/{in.stem}`,
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
