/**
 *    planned items ─▶ lane of a stage ─▶ executor ─▶ committer ─▶ recorded ─▶ arrivals downstream
 *                       ▲      │                                                  │
 *                       │      └─ failed: again by cause, or kept and recorded    │
 *                       └──────────────────────────────────────────────────────────┘
 *
 * Items near the end of the pipeline go first, so that little lies in between.
 */
import { monotonicMs } from "../../clock.ts";
import { errorMessage } from "../../errors/index.ts";
import type { EventListener } from "../../events/index.ts";
import type { Scope } from "../../open-scope.ts";
import type { Limiter } from "../../shared/index.ts";
import { ConfigError, type LoadedPipeline } from "../config/index.ts";
import type { ItemRow } from "../manifest/index.ts";
import type { Planner, PlannedStage, StageSummary } from "../plan/index.ts";
import type { PipelineState } from "../state/pipeline-state.ts";
import { Admission } from "./admission.ts";
import { Announcements } from "./announcements.ts";
import { Committer } from "./committer.ts";
import { Executors } from "./executors.ts";
import type { FailurePolicy } from "./failure-policy.ts";
import type { FailureRecord } from "./failures.ts";
import { workOnItem, type ItemEnd } from "./item-work.ts";
import { makeLanes } from "./lanes.ts";
import { Outcomes } from "./outcomes.ts";
import { Places } from "./places.ts";
import type { StageLane } from "./stage-lane.ts";

export interface PipelineRunOptions extends FailurePolicy {
  /** Items at once, over all stages. */
  readonly slots: number;
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
  readonly #places: Places;
  readonly #limiters: ReadonlyMap<string, Limiter>;
  readonly #lanes: readonly StageLane[];
  readonly #summaries: readonly StageSummary[];
  readonly #admission: Admission;
  readonly #outcomes: Outcomes;
  readonly #announcements: Announcements;
  /** Why nothing more was started; null while all goes on. */
  stopped: string | null = null;
  readonly #withheld: string[] = [];
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
    this.#committer = new Committer(state.manifest);
    this.#announcements = new Announcements(options.onEvent);
    this.#outcomes = new Outcomes(
      { loaded, state, planner, places: this.#places },
      { committer: this.#committer, announcements: this.#announcements },
      options,
      (why) => this.#stop(why),
    );
    this.#summaries = summaries;
    this.#lanes = makeLanes(stages, summaries, state.manifest, options.slots);
    const { resources = {} } = loaded.pipeline;
    this.#admission = new Admission(this.#lanes, options.slots, resources, this.#committer);
  }

  /** Gathering stages that were not run, since inputs of theirs are missing. */
  get withheld(): readonly string[] {
    return this.#withheld;
  }

  get lanes(): readonly StageLane[] {
    return this.#lanes;
  }

  /** The first of them, to be told one by one. */
  get failures(): readonly FailureRecord[] {
    return this.#outcomes.failures;
  }

  /** Resolves when nothing runs any more, and nothing more can. */
  async run(): Promise<void> {
    const onAbort = (): void => this.#wake.resolve();
    this.#options.signal.addEventListener("abort", onAbort, { once: true });
    for (const [index, lane] of this.#lanes.entries()) {
      this.#announcements.discovered(lane, false);
      this.#announcements.refused(lane, this.#summaries[index]?.refusals ?? []);
      this.#withhold(lane, this.#summaries[index]?.missing ?? null);
    }
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
    for (const lane of this.#lanes) this.#announcements.discovered(lane, true);
  }

  /** Nothing more is started; what runs goes on to its end. */
  #stop(why: string): void {
    this.stopped ??= why;
    this.#wake.resolve();
  }

  #startWhatCan(): void {
    if (this.stopped !== null || this.#options.signal.aborted) return;
    for (const lane of this.#lanes.toReversed()) {
      while (lane.open && !lane.ended && this.#admission.mayStart(lane)) {
        const row = lane.queue.take();
        if (row === null) break;
        this.#start(lane, row);
      }
      // What comes before it would only make it wait longer.
      if (lane.open && !lane.ended && this.#admission.isFull(lane) && !lane.queue.isEmpty) return;
    }
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
    const since = monotonicMs();
    let end: ItemEnd;
    try {
      end = await this.#work(lane, row);
    } finally {
      lane.inFlight--;
      this.#wake.resolve();
    }
    const durationMs = monotonicMs() - since;
    if (end.kind === "cut off") return;
    let failure: FailureRecord | null = null;
    if (end.kind === "done") await this.#outcomes.done(lane, row, end, durationMs);
    else {
      failure = await this.#outcomes.failed(lane, row, end, durationMs);
      if (!failure) return;
    }
    this.#options.onItemEnd?.({
      ...{ stage: lane.name, item: row.key, startedAtMs, durationMs, failure },
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
        unfinished: this.#places.of(stage),
        durations: lane.durations,
        executor: (memoryBytes) => {
          const executor = this.#executors.get(definition, lane.workers, memoryBytes);
          lane.capacity = executor.capacity;
          return executor;
        },
        permit: async () => (limiter ? await limiter.acquire({ signal }) : null),
        onStart: (attempt) => this.#announcements.started(lane, row, attempt),
      },
      row,
    );
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
      this.#announcements.discovered(lane, true);
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
    lane.open = true;
    if (lane.stage.definition.gather !== undefined && !(await this.#gather(lane))) return;
    lane.queue.reopen();
    this.#announcements.discovered(lane, false);
  }

  /** Finds out what a gathering stage is to do. False when it does nothing. */
  async #gather(lane: StageLane): Promise<boolean> {
    const unchanged: string[] = [];
    let summary: StageSummary;
    try {
      summary = await this.#committer.alone(() =>
        this.#planner.planGather(lane.stage, (path) => unchanged.push(path)),
      );
    } catch (error) {
      // What was done is done; the next run begins with this error.
      if (!(error instanceof ConfigError)) throw error;
      this.#stop(errorMessage(error));
      return false;
    }
    lane.add(summary);
    this.#announcements.refused(lane, summary.refusals);
    if (this.#withhold(lane, summary.missing)) return false;
    await this.#outcomes.unchanged(lane, unchanged);
    return true;
  }

  /** A gathering stage does not run with inputs missing. */
  #withhold(lane: StageLane, missing: string | null): boolean {
    if (missing === null) return false;
    this.#announcements.missing(lane, missing);
    this.#withheld.push(lane.name);
    lane.ended = true;
    return true;
  }
}

function newWake(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void; // set by the constructor at once
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
