import type { CofferdamEvent, EventListener, ScopeReport } from "cofferdam";

/** An input that a stage refused. */
export interface Refusal {
  readonly source: string;
  readonly code: string;
  readonly message: string;
}

/** What a stage did. It adds up: `ok + skipped + refused + pending = total`. */
export interface StageResult {
  readonly title: "stage" | "preprocess";
  readonly counts: {
    readonly total: number;
    readonly ok: number;
    /** Of `ok`, those that a run did which was interrupted and is taken up by this one. */
    readonly okBefore: number;
    readonly skipped: number;
    readonly refused: number;
    /** Only after an interruption. */
    readonly pending: number;
  };
  /** Why inputs were worked on, or not. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly refusals: readonly Refusal[];
  /** Rows staged, or segments written. */
  readonly produced: number;
  /** Cells of number columns that hold no number, in all files together; null in the Parquet. */
  readonly notNumbers: number;
  readonly durationMs: number;
  readonly interrupted: boolean;
  /** Null where there was nothing to do, so that no worker was started. */
  readonly scope: ScopeReport | null;
  readonly processTimes: ProcessTimes;
}

/** When a stage's processes began and ended: milliseconds since the epoch, null without one. */
export interface ProcessTimes {
  readonly firstStarted: number | null;
  /** When the kernel had confirmed the last one's end. */
  readonly lastGone: number | null;
}

/** Hears when processes start and end, and passes all on. */
export class ProcessClock {
  #firstStarted: number | null = null;
  #lastGone: number | null = null;
  readonly #next: EventListener | undefined;

  constructor(next: EventListener | undefined) {
    this.#next = next;
  }

  readonly listener = (event: CofferdamEvent): void => {
    if (event.type === "task-started") this.#firstStarted ??= event.at;
    if (event.type === "task-ended") this.#lastGone = event.at;
    this.#next?.(event);
  };

  get times(): ProcessTimes {
    return { firstStarted: this.#firstStarted, lastGone: this.#lastGone };
  }
}
