import { readdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { errorCode } from "cofferdam";
import { isFinished } from "./output.ts";

/** Why a batch is given up while it still runs. */
export interface Stall {
  readonly kind: "document" | "inactivity";
  /** The documents that are at work for too long; empty with `inactivity`. */
  readonly overdue: readonly string[];
}

export interface WatchOptions {
  readonly output: string;
  readonly stems: readonly string[];
  /** For each document, from the moment when Marker takes it up. */
  readonly timeoutMs: number;
  readonly onStarted: (stem: string) => void;
  readonly onFinished: (stem: string) => Promise<void>;
  readonly onStall: (stall: Stall) => void;
}

/** Marker says to nobody that a document is done; its files have to be looked at. */
const lookEveryMs = 200;

/**
 * Follows one `marker` by its output folder: it makes `STEM/` when it takes a document up, and has
 * written all of it when the document is done.
 *
 * What it prints is no sign of life: where its workers die as they load their models, it starts new
 * ones and prints their last words for ever.
 */
export class BatchWatch {
  readonly #options: WatchOptions;
  readonly #waiting: Set<string>;
  readonly #startedAt = new Map<string, number>();
  #activeAt = performance.now();

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#waiting = new Set(options.stems);
  }

  /** What Marker has taken up and not finished. */
  get atWork(): ReadonlySet<string> {
    return new Set(this.#startedAt.keys());
  }

  /** Looks again and again until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      this.#judge();
      await delay(lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async look(): Promise<void> {
    for (const stem of await listFolder(this.#options.output)) {
      if (!this.#waiting.delete(stem)) continue;
      this.#activeAt = performance.now();
      this.#startedAt.set(stem, this.#activeAt);
      this.#options.onStarted(stem);
    }
    for (const stem of [...this.#startedAt.keys()]) {
      if (!(await isFinished(this.#options.output, stem))) continue;
      this.#activeAt = performance.now();
      this.#startedAt.delete(stem);
      await this.#options.onFinished(stem);
    }
  }

  #judge(): void {
    const now = performance.now();
    const { timeoutMs, onStall } = this.#options;
    const overdue = [...this.#startedAt].filter(([, since]) => now - since > timeoutMs);
    if (overdue.length > 0) onStall({ kind: "document", overdue: overdue.map(([stem]) => stem) });
    else if (this.#startedAt.size === 0 && now - this.#activeAt > timeoutMs)
      onStall({ kind: "inactivity", overdue: [] });
  }
}

async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}
