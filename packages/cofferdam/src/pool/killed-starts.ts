import { oomKills } from "../budget/index.ts";
import { monotonicMs } from "../clock.ts";

/** For so long it goes on at most, where a worker may not take less to start. */
const patienceMs = 60_000;
/** And so often at least, for each worker there may be: fewer say nothing. */
const killsMin = 3;
/** Between two starts, however long it has gone on. */
const pauseMaxMs = 250;
/** When none was started for so long after one was killed, what follows is another matter. */
const gapMs = 5000;

/** `luck`: try again. `memory`: the kernel kills for want of memory. `always`: no start will do. */
export type KilledStart = "luck" | "memory" | "always";

/**
 * Workers that something outside killed before they were ready, one after another. Killing hits
 * some, and the next may start; only where all are hit, for long, is there nothing to wait for.
 */
export class KilledStarts {
  readonly #patienceMs: number;
  #count = 0;
  #since = 0;
  #lastKill = 0;
  #oomKills = 0;

  constructor(startTimeoutMs: number) {
    this.#patienceMs = Math.min(startTimeoutMs, patienceMs);
  }

  get count(): number {
    return this.#count;
  }

  get forMs(): number {
    return monotonicMs() - this.#since;
  }

  /** One more, which was started then, of a pool that may have so many workers. */
  add(startedAt: number, workers: number): KilledStart {
    if (startedAt - this.#lastKill > gapMs) this.#count = 0;
    this.#lastKill = monotonicMs();
    const before = this.#oomKills;
    this.#oomKills = oomKills();
    if (++this.#count === 1) this.#since = monotonicMs();
    else if (this.#oomKills > before) return "memory";
    const enough = this.#count >= killsMin * workers && this.forMs >= this.#patienceMs;
    return enough ? "always" : "luck";
  }

  /** Waits before the next, for longer the longer it goes on: starting costs the machine, too. */
  pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(pauseMaxMs, this.forMs / 10));
      signal.addEventListener("abort", done);
    });
  }

  /** A worker is ready. */
  clear(): void {
    this.#count = 0;
  }
}
