import { createEstimate } from "./estimate.ts";
import type { CofferdamEvent, ItemOutcome, ItemsDiscovered } from "./event.ts";
import { assertNever } from "./event.ts";
import { isFailure } from "./lines.ts";

/** Where a run stands. One object, changed in place. */
export interface Progress {
  /** What the bar is called: the run, or for one of `stages` the stage. */
  readonly title: string;
  /** Of a pipeline: each stage by itself, in the order in which they were met. */
  readonly stages: ReadonlyMap<string, Progress>;
  readonly workers: number;
  readonly total: number;
  /** False while more items may be discovered: a percentage would be a lie. */
  readonly totalIsFinal: boolean;
  readonly finished: number;
  readonly failures: number;
  /** Items being worked on, the longest running first. */
  readonly running: ReadonlySet<string>;
  /** Between `run-started` and `run-finished`. */
  readonly active: boolean;
  /** Items per second. */
  rate(at: number): number | undefined;
  /** Milliseconds, smoothed; `undefined` while it cannot be known. */
  left(at: number): number | undefined;
  apply(event: CofferdamEvent): void;
}

export function createProgress(): Progress {
  const stages = new Map<string, Progress>();
  const { state: whole, apply: applyToWhole } = createCount(stages);

  function stageOf(name: string): Progress {
    const known = stages.get(name) ?? createStage(name);
    stages.set(name, known);
    return known;
  }

  /** What the stages have together, as far as it is known. */
  function sumOf(event: ItemsDiscovered): ItemsDiscovered {
    const all = [...stages.values()];
    const total = all.reduce((sum, stage) => sum + stage.total, 0);
    return { ...event, total, final: all.every((stage) => stage.totalIsFinal) };
  }

  function apply(event: CofferdamEvent): void {
    if (event.type === "run-started") stages.clear();
    const name = "stage" in event ? event.stage : undefined;
    if (name !== undefined) stageOf(name).apply(event);
    applyToWhole(event.type === "items-discovered" && name !== undefined ? sumOf(event) : event);
  }

  return Object.assign(whole, { apply });
}

function createStage(name: string): Progress {
  const { state, apply } = createCount(new Map(), name);
  return Object.assign(state, { apply });
}

/** Counts alone: whoever applies events may look at them first. */
function createCount(
  stages: ReadonlyMap<string, Progress>,
  title = "",
): { state: Omit<Progress, "apply">; apply: Progress["apply"] } {
  let estimate = createEstimate();
  const running = new Set<string>();
  const state = {
    title,
    stages,
    workers: 0,
    total: 0,
    totalIsFinal: false,
    finished: 0,
    failures: 0,
    running,
    active: false,
    rate: (at: number) => estimate.rate(at),
    left(at: number) {
      if (!state.totalIsFinal || state.finished >= state.total) return undefined;
      return estimate.left(at, state.total - state.finished);
    },
  };

  function apply(event: CofferdamEvent): void {
    switch (event.type) {
      case "run-started":
        estimate = createEstimate();
        running.clear();
        Object.assign(state, { total: 0, totalIsFinal: false, finished: 0, failures: 0 });
        Object.assign(state, { active: true, title: event.title, workers: event.workers });
        return;
      case "items-discovered":
        state.total = event.total;
        state.totalIsFinal = event.final;
        return;
      case "item-started":
        estimate.begin(event.at);
        running.add(event.item);
        return;
      case "item-finished":
        running.delete(event.item);
        finish(event.outcome, event.at);
        return;
      case "run-finished":
        running.clear();
        state.active = false;
        return;
      case "task-started":
      case "task-ended":
      case "keeper-started":
      case "keeper-lost":
      case "memory-sampled":
      case "notice":
        return;
      default:
        assertNever(event);
    }
  }

  function finish(outcome: ItemOutcome, at: number): void {
    state.finished += 1;
    // A source may report an item's end before its discovery is counted.
    state.total = Math.max(state.total, state.finished);
    if (isFailure(outcome)) state.failures += 1;
    if (outcome !== "skipped") estimate.completed(at);
  }

  return { state, apply };
}
