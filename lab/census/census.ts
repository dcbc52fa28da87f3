import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Attribution, type AttributionOptions, type RootProcess } from "./attribution.ts";
import { compareWithNow, type Comparison, readNewProcesses } from "./comparison.ts";
import { COOKIE_VARIABLE, readProcessStat } from "./processes.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

export interface CensusOptions extends AttributionOptions {
  /** Folders whose new entries are counted; by default the one where Cofferdam's runs have theirs. */
  readonly scratch?: readonly string[] | undefined;
  /** Compare with this snapshot, taken earlier, and not with the present moment. */
  readonly before?: Snapshot | undefined;
}

/** What a wait for emptiness found at its end. */
export interface EmptinessReport extends Comparison {
  /** Milliseconds from the call until the first of two empty counts; `null` if it never was. */
  readonly emptyAfterMs: number | null;
}

export interface WaitOptions {
  /** What must be gone. By default `everything`. */
  readonly what?: "everything" | "processes";
  readonly signal?: AbortSignal;
}

/** Stops watching; also by `using`. */
export interface Watch extends Disposable {
  stop(): void;
}

/** Between two counts. A count of a hundred processes takes a few milliseconds. */
const POLL_MS = 10;

/**
 * Counts what a run leaves. Open it before the run, put {@link Census.env} into the environment of
 * the command, and ask afterwards.
 */
export class Census {
  readonly cookie: string;
  readonly before: Snapshot;
  readonly #attribution: Attribution;
  readonly #roots: RootProcess[] = [];

  constructor(options: CensusOptions = {}) {
    this.cookie = options.cookie ?? randomUUID();
    this.before = options.before ?? takeSnapshot(options.scratch);
    this.#attribution = new Attribution(this.before, { ...options, cookie: this.cookie });
  }

  /** To be added to the environment of the command that is run. */
  get env(): Record<string, string> {
    return { [COOKIE_VARIABLE]: this.cookie };
  }

  /**
   * Follows the descendants of a process from now on, so that one which later loses its parents is
   * still known. What comes and goes between two looks (a few milliseconds) is not seen; that is
   * what the cookie is for.
   */
  watch(pid: number, intervalMs = POLL_MS): Watch {
    const starttime = readProcessStat(pid)?.starttime;
    this.#roots.push(starttime === undefined ? { pid } : { pid, starttime });
    const timer = setInterval(() => this.observe(), intervalMs);
    timer.unref();
    const stop = (): void => clearInterval(timer);
    return { stop, [Symbol.dispose]: stop };
  }

  /** One look at the processes, remembered. Gives the living processes of the run. */
  observe(): Comparison["left"]["processes"] {
    return this.#attribution.judge(readNewProcesses(this.#attribution), this.#roots).left;
  }

  /** What the run has left, as of now. */
  compare(): Comparison {
    return compareWithNow(this.before, this.#attribution, this.#roots);
  }

  /**
   * Counts again and again until nothing is left, and at most for `deadlineMs`. Two counts in a row
   * must be empty: a process that is born behind the reader's back escapes the first. With `what`
   * `"processes"` things without a process may stay, and are reported only.
   */
  async waitUntilEmpty(
    deadlineMs: number,
    { what = "everything", signal }: WaitOptions = {},
  ): Promise<EmptinessReport> {
    const start = performance.now();
    let emptySince: number | null = null;
    for (;;) {
      const elapsed = performance.now() - start;
      const found = this.compare();
      const count = what === "everything" ? found.count : found.left.processes.length;
      if (count > 0) emptySince = null;
      else if (emptySince !== null) return { ...found, emptyAfterMs: emptySince };
      else emptySince = Math.round(elapsed);
      if (elapsed >= deadlineMs && count > 0) return { ...found, emptyAfterMs: null };
      await delay(POLL_MS, undefined, { signal });
    }
  }
}

/** Takes the snapshot and begins the census. */
export function openCensus(options: CensusOptions = {}): Census {
  return new Census(options);
}
