import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { monotonicMs } from "../../clock.ts";
import { CofferdamError, errorMessage } from "../../errors/index.ts";
import type { CofferdamEvent, EventListener, ItemCounts } from "../../events/index.ts";
import { openScope, type Scope } from "../../open-scope.ts";
import type { ScopeReport } from "../../scope/index.ts";
import type { Limiter } from "../../shared/index.ts";
import { pipelineFrom, type LoadedPipeline, type PipelineDefinition } from "../config/index.ts";
import { inTransaction, type StateCounts } from "../manifest/index.ts";
import {
  absences,
  Planner,
  prepareStages,
  type PlannedStage,
  type StageSummary,
} from "../plan/index.ts";
import type { Verdict } from "../plan/index.ts";
import { PipelineState } from "../state/pipeline-state.ts";
import type { FailureRecord } from "./failures.ts";
import { PipelineRun, type FinishedItem } from "./pipeline-run.ts";
import type { StageLane } from "./stage-lane.ts";

export interface RunPipelineOptions {
  /** What the paths of a definition are relative to, and where its state is kept. Default: here. */
  readonly folder?: string;
  /** Those stages and what they read; all by default. */
  readonly stages?: readonly string[];
  /** Just those stages, with what the ones before have made already. */
  readonly only?: boolean;
  /** Runs what is unchanged too, and writes over files that no run has made. */
  readonly force?: boolean;
  /** Runs what is in quarantine too. */
  readonly retryFailed?: boolean;
  /** Finds out what would run and why, and changes nothing. */
  readonly dryRun?: boolean;
  /** In place of what the stages say: stop at the first failure, or never. */
  readonly onFail?: "stop" | "go on";
  /** In place of what the stages say: a number, or a share such as `"2%"`. */
  readonly maxFailed?: number | string;
  /** Items at once. Default: the number of CPUs. */
  readonly workers?: number;
  readonly onEvent?: EventListener;
  /** Told of each item while it is planned. */
  readonly onVerdict?: (
    stage: string,
    key: string,
    output: string | null,
    verdict: Verdict,
  ) => void;
  /** Told of the plan before anything runs. */
  readonly onPlan?: (plan: readonly StageSummary[]) => void;
  /** Told of each item that has come to its end. */
  readonly onItemEnd?: (end: FinishedItem) => void;
  /** Aborting it starts nothing more and ends what runs, which stays pending. */
  readonly signal?: AbortSignal;
}

export interface StageResult extends ItemCounts {
  readonly stage: string;
  /** Why items ran, and how many for each reason; also those that came to be known meanwhile. */
  readonly reasons: Readonly<Record<string, number>>;
}

export interface RunPipelineResult {
  /** Of all stages together. They add up to `total`. */
  readonly counts: ItemCounts;
  readonly stages: readonly StageResult[];
  readonly plan: readonly StageSummary[];
  /** Of this run; the first 1,000. */
  readonly failures: readonly FailureRecord[];
  /** Why nothing more was started, where something stopped the run. */
  readonly stopped: string | null;
  /** Gathering stages that were not run, since inputs of theirs are missing. */
  readonly withheld: readonly string[];
  readonly interrupted: boolean;
  readonly planMs: number;
  readonly durationMs: number;
  readonly scope: ScopeReport;
}

/**
 * Runs a pipeline: what has changed, and what depends on it. Whatever happens, what was recorded is
 * done and complete, and a later run does the rest. Rejects with `CONFIG`, `LOCKED`, `OUTPUT`,
 * `MANIFEST_DAMAGED`, or what opening a scope rejects with.
 */
export async function runPipeline(
  pipeline: LoadedPipeline | PipelineDefinition,
  options: RunPipelineOptions = {},
): Promise<RunPipelineResult> {
  const loaded = "locate" in pipeline ? pipeline : await pipelineFrom(pipeline, options.folder);
  const since = monotonicMs();
  const signal = options.signal ?? new AbortController().signal;
  const emit = (event: CofferdamEvent): void => options.onEvent?.(event);
  using state = await PipelineState.open(loaded.folder);
  const { manifest } = state;
  const scope = await openScope({ ...(options.onEvent ? { onEvent: options.onEvent } : {}) });
  try {
    const workers = options.workers ?? availableParallelism();
    emit({ type: "run-started", at: Date.now(), title: loaded.file, workers });
    const { stages, planner, plan } = await planAll(loaded, state, scope, { ...options, signal });
    const planMs = monotonicMs() - since;
    for (const { name, recipe } of stages)
      for (const absence of absences(recipe))
        emit({
          ...{ type: "notice", at: Date.now(), level: "warning" },
          message: `${name} ${absence}; once it is there, all of the stage is done again`,
        });
    options.onPlan?.(plan);
    openCaches(loaded, scope);
    const run = new PipelineRun(
      {
        ...{ loaded, state, planner, scope, stages },
        summaries: plan,
        limiters: openLimiters(loaded, scope),
      },
      {
        slots: workers,
        onFail: options.onFail ?? null,
        maxFailed: options.maxFailed ?? null,
        onEvent: options.onEvent,
        onItemEnd: options.onItemEnd,
        signal,
      },
    );
    if (!(options.dryRun ?? false)) {
      const id = manifest.runStarted();
      await run.run();
      manifest.runEnded(id, signal.aborted ? "interrupted" : (run.stopped ?? "ended"));
    }
    const results = run.lanes.map((lane) => resultOf(lane, manifest.counts(lane.stage.id)));
    const counts = sumUp(results);
    const durationMs = monotonicMs() - since;
    const interrupted = signal.aborted;
    emit({ type: "run-finished", at: Date.now(), durationMs, interrupted, counts });
    return {
      ...{ counts, stages: results, plan, failures: run.failures, stopped: run.stopped },
      ...{ withheld: run.withheld, interrupted, planMs, durationMs, scope: await scope.close() },
    };
  } finally {
    await scope.close();
  }
}

async function planAll(
  loaded: LoadedPipeline,
  { manifest }: PipelineState,
  scope: Scope,
  options: RunPipelineOptions & { readonly signal: AbortSignal },
): Promise<{ stages: PlannedStage[]; planner: Planner; plan: StageSummary[] }> {
  const planner = new Planner(loaded, manifest, {
    force: options.force ?? false,
    retryFailed: options.retryFailed ?? false,
    signal: options.signal,
    ...(options.onVerdict ? { onVerdict: options.onVerdict } : {}),
    onDiscovered: (stage, total) =>
      options.onEvent?.({ type: "items-discovered", at: Date.now(), stage, total, final: false }),
  });
  const { stages: names = [], only = false, dryRun = false } = options;
  const found: { stages: PlannedStage[]; plan: StageSummary[] } = { stages: [], plan: [] };
  try {
    await inTransaction(manifest, async () => {
      const { signal } = options;
      found.stages = await prepareStages(loaded, manifest, scope, { stages: names, only }, signal);
      for (const stage of found.stages) {
        const waits = stage.upstream !== null && found.stages.includes(stage.upstream);
        const gathers = stage.definition.gather !== undefined;
        found.plan.push(
          await (gathers && !waits ? planner.planGather(stage) : planner.planStage(stage)),
        );
      }
      if (dryRun) throw new DryRun();
    });
  } catch (error) {
    if (!(error instanceof DryRun)) throw explainPlanError(error);
  }
  return { ...found, planner };
}

/** Takes back what planning has changed. */
class DryRun extends Error {}

function explainPlanError(error: unknown): unknown {
  if (error instanceof CofferdamError) return error;
  const message = errorMessage(error);
  if (/disk is full|disk I\/O|readonly database/i.test(message))
    return new CofferdamError(
      "MANIFEST_DAMAGED",
      `the manifest cannot be written: ${message}; nothing was changed`,
      { cause: error },
    );
  return error;
}

function openLimiters({ pipeline }: LoadedPipeline, scope: Scope): Map<string, Limiter> {
  const limits = Object.entries(pipeline.limits ?? {});
  return new Map(
    limits.map(([name, { rpm, tpm, concurrency }]) => [
      name,
      scope.limiter(name, {
        ...(rpm === undefined ? {} : { requests: `${rpm}/min` }),
        ...(tpm === undefined ? {} : { units: `${tpm}/min` }),
        ...(concurrency === undefined ? {} : { concurrency }),
      }),
    ]),
  );
}

/** Workers ask for them by name. */
function openCaches({ pipeline, folder }: LoadedPipeline, scope: Scope): void {
  for (const [name, cache] of Object.entries(pipeline.caches ?? {})) {
    const { version, maxBytes, ttl, folder: place } = cache;
    scope.cache(name, {
      ...(version === undefined ? {} : { version }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
      ...(ttl === undefined ? {} : { ttl }),
      ...(place === undefined ? {} : { folder: resolve(folder, place) }),
    });
  }
}

/** The manifest counts what is; the run knows what of it is its own doing. */
function resultOf({ name, counts, reasons }: StageLane, now: StateCounts): StageResult {
  const { done, failed, quarantined, pending, discovered: total } = now;
  return {
    ...{ stage: name, total, failed, quarantined, pending },
    done: counts.done,
    skipped: done - counts.done,
    reasons: Object.fromEntries(reasons),
  };
}

function sumUp(results: readonly StageResult[]): ItemCounts {
  const sum = (of: (result: StageResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  return {
    total: sum(({ total }) => total),
    done: sum(({ done }) => done),
    skipped: sum(({ skipped }) => skipped),
    failed: sum(({ failed }) => failed),
    quarantined: sum(({ quarantined }) => quarantined),
    pending: sum(({ pending }) => pending),
  };
}
