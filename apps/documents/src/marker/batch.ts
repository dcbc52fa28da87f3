import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { formatDuration, TaskError, type Scope, type TaskResult } from "cofferdam";
import { manyCommand } from "./arguments.ts";
import { BatchWatch, type Stall } from "./batch-watch.ts";
import { markerEnvironment } from "./environment.ts";
import { PoolWorkers } from "./pool-workers.ts";
import { describeEnd, emptyText, explainInBatch, setupError } from "./explain.ts";
import { hasText, readOutput } from "./output.ts";
import type { Prepared } from "./prepare.ts";
import { memoryFor, type MarkerSettings } from "./settings.ts";
import { maxOutput } from "./single.ts";
import { findSetupProblem, GivenUp } from "./symptoms.ts";

/** A document on its way through a batch, told of what becomes of it as soon as that is known. */
export interface BatchEntry {
  readonly document: Prepared;
  readonly onStart: () => void;
  readonly succeed: (marked: string) => void;
  readonly fail: (error: Error) => void;
}

/** What a batch did not settle. */
export interface Unfinished<Entry> {
  /** At work when the batch died. */
  readonly suspects: readonly Entry[];
  /** Not begun. */
  readonly others: readonly Entry[];
}

/**
 * Sends documents through one `marker`. Resolves when all its processes are gone, with what a dead
 * one has left undone. Rejects with `CANCELLED`, or with the runtime's own error.
 */
export async function runBatch<Entry extends BatchEntry>(
  scope: Scope,
  settings: MarkerSettings,
  folder: string,
  entries: readonly Entry[],
  signal: AbortSignal,
): Promise<Unfinished<Entry>> {
  const batch = new Batch(scope, settings, folder, entries);
  try {
    return await batch.run(signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class Batch<Entry extends BatchEntry> {
  readonly #scope: Scope;
  readonly #settings: MarkerSettings;
  readonly #input: string;
  readonly #output: string;
  readonly #unsettled: Map<string, Entry>;
  readonly #watch: BatchWatch;
  readonly #given = new AbortController();
  readonly #givenUp: GivenUp;
  #workers: PoolWorkers | null = null;
  #stall: Stall | null = null;
  #setupProblem: string | null = null;

  constructor(scope: Scope, settings: MarkerSettings, folder: string, entries: readonly Entry[]) {
    this.#scope = scope;
    this.#settings = settings;
    this.#input = join(folder, "input");
    this.#output = join(folder, "output");
    this.#unsettled = new Map(entries.map((entry) => [entry.document.stem, entry]));
    this.#watch = new BatchWatch({
      output: this.#output,
      stems: [...this.#unsettled.keys()],
      timeoutMs: settings.timeoutMs,
      countLost: () => this.#workers?.countLost() ?? 0,
      onStarted: (stem) => this.#unsettled.get(stem)?.onStart(),
      onFinished: (stem) => this.#collect(stem),
      onStall: (stall) => {
        this.#stall ??= stall;
        this.#given.abort();
      },
    });
    this.#givenUp = new GivenUp(this.#input, (stem) => this.#watch.giveUp(stem));
  }

  async run(signal: AbortSignal): Promise<Unfinished<Entry>> {
    const { notice } = this.#settings;
    const count = this.#unsettled.size;
    notice("info", `Starting batch Marker processing for: ${count} documents`);
    const ended = new AbortController();
    await mkdir(this.#input, { recursive: true });
    for (const { document } of this.#unsettled.values())
      await symlink(document.copy, join(this.#input, `${document.stem}.pdf`));
    const watching = this.#watch.run(ended.signal);
    let result: TaskResult;
    try {
      result = await this.#exec(AbortSignal.any([signal, this.#given.signal]), count);
    } finally {
      ended.abort();
      await watching;
    }
    signal.throwIfAborted();
    await this.#watch.look();
    return this.#conclude(result, count);
  }

  #exec(signal: AbortSignal, count: number): Promise<TaskResult> {
    const { marker, device, pages, cpusPerWorker } = this.#settings;
    const workers = Math.min(this.#settings.workers, count);
    return this.#scope.exec(
      manyCommand(marker, this.#input, { output: this.#output, pages, workers, documents: count }),
      {
        ...markerEnvironment(device),
        cwd: this.#input,
        memory: memoryFor(this.#settings, workers),
        cpus: cpusPerWorker * workers,
        threads: cpusPerWorker,
        maxOutput,
        reject: false,
        signal,
        onStart: ({ pid }) => {
          this.#workers = new PoolWorkers(pid, workers);
        },
        onOutput: (stream, chunk) => {
          if (stream === "stderr") this.#hear(chunk.toString("utf8"));
        },
      },
    );
  }

  /** What no document can do without will not come; a pool whose workers cannot start waits on. */
  #hear(words: string): void {
    this.#givenUp.hear(words);
    this.#setupProblem ??= findSetupProblem(words);
    if (this.#setupProblem !== null) this.#given.abort();
  }

  async #collect(stem: string): Promise<void> {
    const marked = await readOutput(this.#output, stem);
    if (marked === null) return;
    const entry = this.#unsettled.get(stem);
    this.#unsettled.delete(stem);
    if (hasText(marked)) entry?.succeed(marked);
    else entry?.fail(emptyText());
  }

  #conclude(result: TaskResult, count: number): Unfinished<Entry> {
    const left = [...this.#unsettled.values()];
    const done = count - left.length;
    const problem =
      this.#setupProblem ?? (left.length > 0 ? findSetupProblem(result.stderr) : null);
    if (problem !== null) return this.#failAll(left, () => setupError(problem, result));
    const end = this.#describe(result);
    if (end === null) {
      const took = formatDuration(result.durationMs);
      this.#tell(
        "info",
        `Marker processing completed for: ${done} of ${count} documents (${took})`,
      );
      return this.#failAll(left, ({ document }) => this.#explain(result, document));
    }
    if (left.length === 0) {
      this.#tell(
        "warning",
        `all ${count} documents of a batch were converted whole, and then ${end}`,
      );
      return { suspects: [], others: [] };
    }
    const again = `${left.length} of its ${count} documents are tried again, in smaller batches`;
    this.#tell("warning", `a batch ended early: ${end}; ${again}`);
    const blamed = this.#stall?.kind === "document" ? this.#stall.overdue : this.#watch.atWork;
    const names = new Set(blamed);
    return {
      suspects: left.filter(({ document }) => names.has(document.stem)),
      others: left.filter(({ document }) => !names.has(document.stem)),
    };
  }

  /** Null for a program that went through its whole folder. */
  #describe(result: TaskResult): string | null {
    const took = formatDuration(this.#settings.timeoutMs);
    if (this.#stall?.kind === "document") return `a document was at work for more than ${took}`;
    if (this.#stall?.kind === "inactivity") return `nothing got done for ${took}`;
    if (this.#stall?.kind === "death") return "a worker of Marker died, and Marker waited for it";
    return result instanceof TaskError ? (describeEnd(result) ?? result.message) : null;
  }

  #explain(result: TaskResult, { stem }: Prepared): Error {
    return explainInBatch(result.stderr, join(this.#input, `${stem}.pdf`));
  }

  #failAll(entries: readonly Entry[], why: (entry: Entry) => Error): Unfinished<Entry> {
    for (const entry of entries) entry.fail(why(entry));
    return { suspects: [], others: [] };
  }

  #tell(level: "info" | "warning", message: string): void {
    this.#settings.notice(level, message);
  }
}
