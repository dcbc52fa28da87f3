import { readdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { errorCode } from "cofferdam";
import { isFinished } from "./output.ts";

/** Why a batch is given up while it still runs. */
export interface Stall {
  /**
   * `document`: one is at work for too long. `inactivity`: nothing gets done. `death`: all is done
   * but what a dead worker was at work on, which Marker waits for for ever.
   */
  readonly kind: "document" | "inactivity" | "death";
  /** The documents that are at work for too long; empty with the other kinds. */
  readonly overdue: readonly string[];
}

export interface WatchOptions {
  readonly output: string;
  readonly stems: readonly string[];
  /** For each document, from the moment when Marker takes it up. */
  readonly timeoutMs: number;
  /** How many of Marker's workers have died so far. */
  readonly countLost: () => number;
  readonly onStarted: (stem: string) => void;
  readonly onFinished: (stem: string) => Promise<void>;
  readonly onStall: (stall: Stall) => void;
}

/** Marker says to nobody that a document is done; its files have to be looked at. */
const lookEveryMs = 100;

/** A program that has done all that it can may yet be on its way to its end. */
const endingMs = 1000;

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
  readonly #givenUp = new Set<string>();
  /** What was at work when a worker was found dead. */
  readonly #doomed = new Set<string>();
  #lost = 0;
  #activeAt = performance.now();
  #overAt: number | null = null;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#waiting = new Set(options.stems);
  }

  /** What Marker has taken up and not finished. */
  get atWork(): ReadonlySet<string> {
    return new Set(this.#startedAt.keys());
  }

  /** Marker has said that it will not finish this one. If it does after all, it has. */
  giveUp(stem: string): void {
    this.#givenUp.add(stem);
  }

  /** Looks again and again until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Before the folder is looked at: what a dead worker was at work on is there then.
      const lost = this.#options.countLost();
      await this.look();
      this.#noteLost(lost);
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

  #noteLost(lost: number): void {
    if (lost > this.#lost) for (const stem of this.#startedAt.keys()) this.#doomed.add(stem);
    this.#lost = lost;
  }

  #judge(): void {
    const now = performance.now();
    const { timeoutMs, onStall } = this.#options;
    const open = this.#open();
    const overdue = open.filter((stem) => now - (this.#startedAt.get(stem) ?? now) > timeoutMs);
    if (overdue.length > 0) onStall({ kind: "document", overdue });
    else if (open.length === 0 && now - this.#activeAt > timeoutMs)
      onStall({ kind: "inactivity", overdue: [] });
    const isOver = this.#lost > 0 && open.length === 0 && this.#waiting.size === 0;
    this.#overAt = isOver ? (this.#overAt ?? now) : null;
    if (this.#overAt !== null && now - this.#overAt > endingMs)
      onStall({ kind: "death", overdue: [] });
  }

  /**
   * What a living worker can be at work on. A dead worker takes one document with it: of those that
   * were at work then, others may come to their end, until no more are left than workers have died.
   */
  #open(): string[] {
    const open = [...this.#startedAt.keys()].filter((stem) => !this.#givenUp.has(stem));
    const doomed = open.filter((stem) => this.#doomed.has(stem));
    return doomed.length > this.#lost ? open : open.filter((stem) => !this.#doomed.has(stem));
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
