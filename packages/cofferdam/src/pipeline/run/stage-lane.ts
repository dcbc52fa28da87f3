import type { PlannedStage, StageSummary } from "../plan/index.ts";
import { RunningMedian } from "./median.ts";
import type { StageQueue } from "./stage-queue.ts";

/** A stage while it runs. */
export class StageLane {
  readonly stage: PlannedStage;
  readonly queue: StageQueue;
  /** Workers that it may have. */
  readonly workers: number;
  readonly durations = new RunningMedian();
  /** In this run. */
  readonly counts = { discovered: 0, done: 0, skipped: 0, failed: 0, quarantined: 0 };
  upstream: StageLane | null = null;
  readonly downstream: StageLane[] = [];
  /** Items that it can be given at once. */
  capacity: number;
  /** Items that hold a place among those that run. */
  inFlight = 0;
  /** Items whose end is not yet recorded. */
  unsettled = 0;
  /** May start items; a stage that waits gets there when the one before has ended. */
  open: boolean;
  ended = false;
  /** Items that run: those that are skipped say nothing about progress. */
  toRun = 0;
  /** Why they run, and how many for each reason. */
  readonly reasons = new Map<string, number>();
  refusalsTold = 0;
  announced = -1;
  announcedAt = -Infinity;

  constructor(stage: PlannedStage, queue: StageQueue, workers: number, summary: StageSummary) {
    this.stage = stage;
    this.queue = queue;
    this.workers = workers;
    this.capacity = workers;
    this.open = !stage.waits;
    this.add(summary);
  }

  add({ discovered, toRun, unchanged, quarantined, refused, reasons }: StageSummary): void {
    for (const [reason, count] of reasons) this.because(reason, count);
    this.toRun += toRun;
    this.counts.discovered += discovered;
    this.counts.skipped += unchanged;
    this.counts.quarantined += quarantined;
    this.counts.failed += refused;
  }

  because(reason: string, count = 1): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + count);
  }

  get name(): string {
    return this.stage.name;
  }

  get isCommand(): boolean {
    return this.stage.definition.run !== undefined;
  }

  /** CPUs that so many items of it take: what waits for a worker takes none. */
  slots(inFlight: number): number {
    return this.isCommand ? inFlight : Math.min(inFlight, this.workers);
  }

  /** No more items will come to be known. */
  get isComplete(): boolean {
    return this.upstream === null || this.upstream.ended;
  }

  get isIdle(): boolean {
    return this.inFlight === 0 && this.unsettled === 0;
  }
}
