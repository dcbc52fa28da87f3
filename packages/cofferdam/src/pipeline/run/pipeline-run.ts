/**
 *    planned items ─▶ lane of a stage ─▶ executor ─▶ committer ─▶ recorded ─▶ arrivals downstream
 *                       ▲      │                                                  │
 *                       │      └─ failed: again by cause, or kept and recorded    │
 *                       └──────────────────────────────────────────────────────────┘
 *
 * Items near the end of the pipeline go first, so that little lies in between.
 */
import { dirname, join } from "node:path";
import { CofferdamError, errorMessage } from "../../errors/index.ts";
import type { CofferdamEvent, EventListener, ItemOutcome } from "../../events/index.ts";
import type { Scope } from "../../open-scope.ts";
import type { Limiter } from "../../shared/index.ts";
import type { LoadedPipeline } from "../config/index.ts";
import { itemState, type ItemRow } from "../manifest/index.ts";
import type { Planner, PlannedStage, StageSummary } from "../plan/index.ts";
import type { PipelineState } from "../state/pipeline-state.ts";
import { backlogMax, Committer } from "./committer.ts";
import { Executors, workersOf } from "./executors.ts";
import { FailureFolders, type FailureRecord } from "./failures.ts";
import { describeFailure } from "./describe-failure.ts";
import { workOnItem, type ItemEnd } from "./item-work.ts";
import { Places } from "./places.ts";
import { StageLane } from "./stage-lane.ts";
import { StageQueue } from "./stage-queue.ts";

/** Arrivals that may wait in memory before the stage that makes them pauses. */
const arrivalsMax = 4_096;
/** Failures that are told one by one in a result. */
const failuresMax = 1_000;
const announceEveryMs = 200;

export interface PipelineRunOptions {
  /** Items at once, over all stages. */
  readonly slots: number;
  /** In place of what the stages say. */
  readonly onFail: "go on" | "stop" | null;
  readonly maxFailed: string | number | null;
  readonly onEvent: EventListener | undefined;
  readonly onItemEnd: ((end: FinishedItem) => void) | undefined;
  readonly signal: AbortSignal;
}

/** An item that has come to its end, for logs. */
export interface FinishedItem {
  readonly stage: string;
  readonly item: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly failure: FailureRecord | null;
}

/** Runs what planning has found, and what comes of it. */
export class PipelineRun {
  readonly #loaded: LoadedPipeline;
  readonly #state: PipelineState;
  readonly #planner: Planner;
  readonly #options: PipelineRunOptions;
  readonly #executors: Executors;
  readonly #committer: Committer;
  readonly #folders: FailureFolders;
  readonly #places: Places;
  readonly #limiters: ReadonlyMap<string, Limiter>;
  readonly #lanes: readonly StageLane[];
  readonly #resources: Map<string, number>;
  readonly failures: FailureRecord[] = [];
  /** Why nothing more was started; null while all goes on. */
  stopped: string | null = null;
  #wake = newWake();

  constructor(
    setting: {
      readonly loaded: LoadedPipeline;
      readonly state: PipelineState;
      readonly planner: Planner;
      readonly scope: Scope;
      readonly stages: readonly PlannedStage[];
      readonly summaries: readonly StageSummary[];
      readonly limiters: ReadonlyMap<string, Limiter>;
    },
    options: PipelineRunOptions,
  ) {
    const { loaded, state, planner, scope, stages, summaries, limiters } = setting;
    this.#loaded = loaded;
    this.#state = state;
    this.#planner = planner;
    this.#options = options;
    this.#limiters = limiters;
    this.#executors = new Executors(scope, loaded);
    this.#places = new Places(state);
    this.#committer = new Committer(state.manifest, this.#places.old());
    this.#folders = new FailureFolders(state.failures);
    this.#resources = new Map(Object.entries(loaded.pipeline.resources ?? {}));
    this.#lanes = makeLanes(stages, summaries, state, options.slots);
  }

  get lanes(): readonly StageLane[] {
    return this.#lanes;
  }

  /** Resolves when nothing runs any more, and nothing more can. */
  async run(): Promise<void> {
    const onAbort = (): void => this.#wake.resolve();
    this.#options.signal.addEventListener("abort", onAbort, { once: true });
    for (const lane of this.#lanes) this.#announce(lane, false);
    try {
      for (;;) {
        this.#startWhatCan();
        if (await this.#endStages()) continue;
        if (this.#lanes.every((lane) => lane.isIdle)) break;
        await this.#wake.promise;
        this.#wake = newWake();
      }
      await this.#committer.settled();
    } finally {
      this.#options.signal.removeEventListener("abort", onAbort);
      await this.#executors.keepOnly([]);
    }
    for (const lane of this.#lanes) this.#announce(lane, true);
  }

  /** Nothing more is started; what runs goes on to its end. */
  #stop(why: string): void {
    this.stopped ??= why;
    this.#wake.resolve();
  }

  #startWhatCan(): void {
    if (this.stopped !== null || this.#options.signal.aborted) return;
    for (const lane of this.#lanes.toReversed()) {
      while (lane.open && !lane.ended && this.#mayStart(lane)) {
        const row = lane.queue.take();
        if (row === null) break;
        this.#start(lane, row);
      }
      // What comes before it would only make it wait longer.
      if (lane.open && !lane.ended && this.#isFull(lane) && !lane.queue.isEmpty) return;
    }
  }

  #mayStart(lane: StageLane): boolean {
    return (
      lane.inFlight < lane.capacity &&
      !this.#isFull(lane) &&
      this.#committer.backlog < backlogMax &&
      lane.downstream.every(({ stage, queue }) => stage.waits || queue.waiting < arrivalsMax) &&
      this.#hasResources(lane)
    );
  }

  /** Whether all places that another item would need are taken. */
  #isFull(lane: StageLane): boolean {
    const needed = lane.slots(lane.inFlight + 1) - lane.slots(lane.inFlight);
    const taken = this.#lanes.reduce((sum, other) => sum + other.slots(other.inFlight), 0);
    return taken + needed > this.#options.slots;
  }

  #hasResources(lane: StageLane): boolean {
    return countedResources(lane).every(([name, needed]) => {
      const taken = this.#lanes.reduce((sum, other) => {
        const [, each = 0] = countedResources(other).find(([one]) => one === name) ?? [];
        return sum + each * other.slots(other.inFlight);
      }, 0);
      return taken + needed <= (this.#resources.get(name) ?? 1);
    });
  }

  #start(lane: StageLane, row: ItemRow): void {
    lane.inFlight++;
    lane.unsettled++;
    void this.#one(lane, row)
      .catch((error: unknown) => this.#stop(errorMessage(error)))
      .finally(() => {
        lane.unsettled--;
        this.#wake.resolve();
      });
  }

  async #one(lane: StageLane, row: ItemRow): Promise<void> {
    const startedAtMs = Date.now();
    const since = performance.now();
    let end: ItemEnd;
    try {
      end = await this.#work(lane, row);
    } finally {
      lane.inFlight--;
      this.#wake.resolve();
    }
    const durationMs = performance.now() - since;
    if (end.kind === "cut off") return;
    if (end.kind === "failed") {
      const failure = await this.#fail(lane, row, end, durationMs);
      if (failure)
        this.#options.onItemEnd?.({
          ...{ stage: lane.name, item: row.key, startedAtMs, durationMs, failure },
        });
      return;
    }
    await this.#commit(lane, row, end);
    lane.counts.done++;
    this.#emitEnd(lane, row, durationMs, "done", null);
    this.#options.onItemEnd?.({
      ...{ stage: lane.name, item: row.key, startedAtMs, durationMs, failure: null },
    });
  }

  #work(lane: StageLane, row: ItemRow): Promise<ItemEnd> {
    const { stage } = lane;
    const { definition } = stage;
    const limiter = this.#limiters.get(definition.limit ?? "");
    const { signal } = this.#options;
    return workOnItem(
      {
        stage,
        signal,
        manifest: this.#state.manifest,
        folder: this.#loaded.folder,
        unfinished: row.output === null ? this.#places.old() : this.#places.of(row.output),
        durations: lane.durations,
        executor: (memoryBytes) => {
          const executor = this.#executors.get(definition, lane.workers, memoryBytes);
          lane.capacity = executor.capacity;
          return executor;
        },
        permit: async () => (limiter ? await limiter.acquire({ signal }) : null),
        onStart: (attempt) =>
          this.#emit({
            ...{ type: "item-started", at: Date.now(), stage: lane.name, item: row.key, attempt },
          }),
      },
      row,
    );
  }

  async #commit(
    lane: StageLane,
    row: ItemRow,
    end: Extract<ItemEnd, { kind: "done" }>,
  ): Promise<void> {
    const { stage } = lane;
    const { manifest } = this.#state;
    const { unfinished } = end;
    const to = row.output === null ? null : join(this.#loaded.folder, row.output);
    const files = stage.makesFolder && unfinished !== null ? this.#places.list(unfinished) : [];
    const outputs = stage.makesFolder
      ? files.map((name) => `${row.output ?? ""}/${name}`)
      : row.output === null
        ? []
        : [row.output];
    const before = stage.makesFolder ? manifest.outputs(stage.id, row.key) : [];
    await this.#committer.commit({
      move: unfinished === null || to === null ? null : { from: unfinished, to },
      record: () => {
        const { stamp, hash } = end;
        const recorded = { state: itemState.done, recipe: stage.recipeId, stamp, hash };
        manifest.record(stage.id, row.key, recorded, null);
        if (!stage.makesFolder) return;
        manifest.setOutputs(stage.id, row.key, outputs);
        for (const path of before)
          if (!outputs.includes(path))
            for (const next of lane.downstream) this.#planner.forgetArrival(next.stage, path);
      },
    });
    if (unfinished !== null) this.#places.clear(dirname(unfinished));
    this.#folders.forget(stage.name, row.key);
    await this.#arrive(lane, outputs);
  }

  /** Outputs become the items of the stages that read them. */
  async #arrive(lane: StageLane, outputs: readonly string[]): Promise<void> {
    for (const next of lane.downstream) {
      if (next.stage.definition.gather !== undefined) continue;
      for (const key of outputs) {
        const { verdict, apply } = await this.#planner.judgeArrival(next.stage, key);
        const state = next.stage.waits ? itemState.pending : itemState.queued;
        await this.#committer.commit({ move: null, record: () => apply(state) });
        next.counts.discovered++;
        if (verdict.action === "run") {
          next.toRun++;
          if (!next.stage.waits) next.queue.push(key, next.stage.output(key));
        } else if (verdict.action === "skip") {
          next.counts.skipped++;
          await this.#arrive(next, this.#outputsOf(next, key));
        } else if (verdict.action === "leave") next.counts.quarantined++;
        else next.counts.failed++;
        this.#announce(next, false);
      }
    }
  }

  #outputsOf({ stage }: StageLane, key: string): string[] {
    const output = stage.output(key);
    return output === null ? [] : this.#planner.outputsOf(stage, key, output);
  }

  async #fail(
    lane: StageLane,
    row: ItemRow,
    end: Extract<ItemEnd, { kind: "failed" }>,
    durationMs: number,
  ): Promise<FailureRecord | null> {
    const { stage } = lane;
    const { failure, stamp, hash, unfinished } = end;
    if (failure.hopeless) {
      // Nothing is wrong with this item: no other could be done either.
      if (unfinished !== null) this.#places.clear(unfinished);
      this.#stop(`${stage.name}: ${failure.message}`);
      return null;
    }
    const described = describeFailure(this.#loaded, stage, row, end, durationMs);
    const record = this.#folders.keep(described, failure, unfinished);
    if (unfinished !== null) this.#places.clear(unfinished);
    const policy = this.#policyOf(lane);
    const state = policy === "quarantine" ? itemState.quarantined : itemState.failed;
    const recorded = { state, recipe: stage.recipeId, stamp, hash };
    await this.#committer.commit({
      move: null,
      record: () => this.#state.manifest.record(stage.id, row.key, recorded, record),
    });
    const outcome = state === itemState.quarantined ? "quarantined" : "failed";
    lane.counts[outcome]++;
    if (this.failures.length < failuresMax) this.failures.push(record);
    this.#emitEnd(lane, row, durationMs, outcome, record);
    if (policy === "stop") this.#stop(`an item of ${stage.name} failed: ${row.key}`);
    this.#stopAboveMaximum(lane);
    return record;
  }

  #policyOf({ stage }: StageLane): "quarantine" | "continue" | "stop" {
    const { onFail = "quarantine" } = stage.definition;
    if (this.#options.onFail === "stop") return "stop";
    return this.#options.onFail === "go on" && onFail === "stop" ? "quarantine" : onFail;
  }

  #stopAboveMaximum(lane: StageLane): void {
    const { definition } = lane.stage;
    const bound = this.#options.maxFailed ?? definition.maxFailed;
    if (bound === undefined) return;
    const { failed, quarantined } = lane.counts;
    const most =
      typeof bound === "number" ? bound : (expectedItems(lane) * parseFloat(bound)) / 100;
    if (failed + quarantined > most)
      this.#stop(`more than ${bound} of ${lane.name} failed: ${failed + quarantined}`);
  }

  /** Ends the stages that have nothing more to do. True when that may let others begin. */
  async #endStages(): Promise<boolean> {
    if (this.stopped !== null || this.#options.signal.aborted) return false;
    let ended = false;
    for (const lane of this.#lanes) {
      if (lane.ended || !lane.open || !lane.isComplete || !lane.isIdle || !lane.queue.isEmpty)
        continue;
      lane.ended = true;
      ended = true;
      this.#announce(lane, true);
      const wanted = this.#lanes.filter((other) => !other.ended);
      await this.#executors.keepOnly(
        wanted.map(({ stage, workers }) => ({ definition: stage.definition, workers })),
      );
      for (const next of lane.downstream) if (!next.open) await this.#openLane(next);
    }
    return ended;
  }

  /** A stage that has waited begins: what it is made of is all there, and its makers are gone. */
  async #openLane(lane: StageLane): Promise<void> {
    const { definition } = lane.stage;
    lane.open = true;
    if (definition.gather !== undefined) {
      const { failed = 0, quarantined = 0 } = lane.upstream?.counts ?? {};
      const missing = failed + quarantined;
      if (missing > 0 && !(definition.allowMissing ?? false)) {
        this.#notice(
          `${lane.name} is not run: ${missing} items of ${lane.upstream?.name ?? ""} failed; allowMissing: true goes on without them`,
        );
        lane.ended = true;
        return;
      }
      const { manifest } = this.#state;
      await this.#committer.settled();
      lane.add(await inTransaction(manifest, () => this.#planner.planGather(lane.stage)));
    }
    lane.queue.reopen();
    this.#announce(lane, false);
  }

  #announce(lane: StageLane, final: boolean): void {
    const { toRun: total } = lane;
    const now = performance.now();
    const isNews = total !== lane.announced && now - lane.announcedAt > announceEveryMs;
    if (!final && !isNews) return;
    lane.announced = total;
    lane.announcedAt = now;
    this.#emit({
      ...{ type: "items-discovered", at: Date.now(), stage: lane.name, total },
      final: final || lane.isComplete,
    });
  }

  #emitEnd(
    lane: StageLane,
    row: ItemRow,
    durationMs: number,
    outcome: ItemOutcome,
    failure: FailureRecord | null,
  ): void {
    this.#emit({
      ...{ type: "item-finished", at: Date.now(), stage: lane.name, item: row.key },
      ...{ outcome, durationMs },
      ...(row.output === null || failure ? {} : { output: row.output }),
      ...(failure ? { error: { code: failure.code, message: failure.message } } : {}),
    });
  }

  #notice(message: string): void {
    this.#emit({ type: "notice", at: Date.now(), level: "warning", message });
  }

  #emit(event: CofferdamEvent): void {
    this.#options.onEvent?.(event);
  }
}

function makeLanes(
  stages: readonly PlannedStage[],
  summaries: readonly StageSummary[],
  { manifest }: PipelineState,
  slots: number,
): StageLane[] {
  const lanes = stages.map((stage, index) => {
    const summary = summaries[index];
    if (!summary) throw new CofferdamError("INVALID_ARGUMENT", `${stage.name} was not planned`);
    const workers = workersOf(stage.definition, slots);
    return new StageLane(stage, new StageQueue(manifest, stage.id), workers, summary);
  });
  for (const lane of lanes) {
    const upstream = lanes.find(({ stage }) => stage === lane.stage.upstream);
    if (!upstream)
      lane.open = true; // it is not run with us: what it has made is what there is
    else {
      lane.upstream = upstream;
      upstream.downstream.push(lane);
    }
  }
  return lanes;
}

const measured = ["memory", "cpus", "threads", "processes"];

function countedResources({ stage }: StageLane): [string, number][] {
  const { resources } = stage.definition;
  if (!resources) return [];
  return Object.entries(resources).filter(
    (entry): entry is [string, number] => !measured.includes(entry[0]),
  );
}

/** How many items a stage will have, as far as that can be said. */
function expectedItems(lane: StageLane): number {
  const before = lane.upstream ? expectedItems(lane.upstream) : 0;
  return Math.max(lane.counts.discovered, before);
}

function newWake(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void; // set by the constructor at once
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

export async function inTransaction<Value>(
  manifest: PipelineState["manifest"],
  change: () => Promise<Value>,
): Promise<Value> {
  manifest.begin();
  try {
    const value = await change();
    manifest.commit();
    return value;
  } catch (error) {
    manifest.rollback();
    throw error;
  }
}
