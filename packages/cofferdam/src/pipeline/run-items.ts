import { createHash } from "node:crypto";
import { monotonicMs } from "../clock.ts";
import type { CofferdamEvent, EventListener, ItemCounts } from "../events/index.ts";
import { CofferdamError, errorCode, errorMessage } from "../errors/index.ts";
import { hashFile } from "./files/hash-file.ts";
import { isUnchanged, sameStamp, stampFile } from "./fingerprint.ts";
import type { FileStamp, ItemInput, ManifestRow } from "./manifest.ts";
import type { OutputFolder } from "./output-folder.ts";

/** One input file and where its result is to go. */
export interface FileItem {
  /** What the item is called by people and in the manifest: its absolute path. */
  readonly path: string;
  /** Name of the result in the output folder, unless another item has it. */
  readonly output: string;
}

/** What the work on an item gives. */
export interface ItemResult {
  readonly content: string | Uint8Array;
  /** SHA-256 of the very bytes that were worked on, in hex. */
  readonly inputHash: string;
  /** Something to say of how it was done. */
  readonly note?: string;
}

export interface RunItemsOptions {
  readonly title: string;
  readonly folder: OutputFolder;
  /** All that shapes a result beside the input: engine, version, options. */
  readonly recipe: string;
  /** Workers that `work` has at its disposal. */
  readonly workers: number;
  /** Items in work at once. Default: twice the workers, so that none waits for a result's writing. */
  readonly lanes?: number;
  /** Whether an unchanged item's result is all there, beyond the file that its name stands for. */
  readonly isComplete?: (item: FileItem) => Promise<boolean>;
  /** Does also what is unchanged, and writes over files that this folder's runs did not make. */
  readonly force?: boolean;
  /**
   * Whether a failure with this code is the input's own: as long as input and recipe stay the same
   * it is known, reported again, and not tried again.
   */
  readonly isLasting?: (code: string) => boolean;
  /** Tries again what is known to fail. */
  readonly retryFailed?: boolean;
  readonly work: (
    item: FileItem,
    context: { signal: AbortSignal; onStart: (attempt: number) => void },
  ) => Promise<ItemResult>;
  /** The code and sentence for an error that `work` threw. */
  readonly explain?: (error: unknown) => { code: string; message: string };
  readonly onEvent?: EventListener;
  /** Aborting it starts nothing more; what is cut off stays pending. */
  readonly signal?: AbortSignal;
}

export interface ItemFailure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
  /** UTC, ISO 8601: when it was found. Only of a failure that this run has not tried again. */
  readonly since?: string;
}

export interface RunItemsResult {
  readonly counts: ItemCounts;
  readonly failures: readonly ItemFailure[];
  readonly interrupted: boolean;
  readonly durationMs: number;
}

/**
 * Works on each item once and accounts for every one: done, skipped as unchanged, failed (in this run,
 * or in an earlier one and unchanged), or (only after an interruption) pending. Results are committed before they are recorded, so a run that is
 * killed at any moment is completed by the next.
 */
export async function runItems(
  items: readonly FileItem[],
  options: RunItemsOptions,
): Promise<RunItemsResult> {
  const run = new ItemsRun(options);
  return run.all(items);
}

class ItemsRun {
  readonly #options: RunItemsOptions;
  readonly #signal: AbortSignal;
  readonly #counts = { done: 0, skipped: 0, failed: 0 };
  readonly #failures: ItemFailure[] = [];

  constructor(options: RunItemsOptions) {
    this.#options = options;
    this.#signal = options.signal ?? new AbortController().signal;
  }

  async all(items: readonly FileItem[]): Promise<RunItemsResult> {
    const since = monotonicMs();
    const { title, workers, lanes = workers * 2, folder } = this.#options;
    this.#emit({ type: "run-started", at: Date.now(), title, workers });
    this.#emit({ type: "items-discovered", at: Date.now(), total: items.length, final: true });
    planOutputs(items, folder);
    const queue = items.values();
    await Promise.all(
      Array.from({ length: lanes }, async () => {
        for (const item of queue) {
          if (this.#signal.aborted) return;
          await this.#one(item);
        }
      }),
    );
    const finished = this.#counts.done + this.#counts.skipped + this.#counts.failed;
    const counts: ItemCounts = {
      total: items.length,
      ...this.#counts,
      quarantined: 0,
      pending: items.length - finished,
    };
    const durationMs = monotonicMs() - since;
    const interrupted = this.#signal.aborted;
    this.#emit({ type: "run-finished", at: Date.now(), durationMs, interrupted, counts });
    return { counts, failures: this.#failures, interrupted, durationMs };
  }

  async #one(item: FileItem): Promise<void> {
    const { folder, recipe, force = false } = this.#options;
    const since = monotonicMs();
    let stamp: FileStamp | null = null;
    try {
      stamp = await stampFile(item.path);
      const row = folder.manifest.find(item.path);
      if (!row) throw new CofferdamError("MANIFEST_DAMAGED", "its row vanished from the manifest");
      const exists = await folder.has(row.output);
      if (exists && !row.written && !force) throw foreignOutput(row.output);
      if (await this.#failsAgain(row, item, stamp)) {
        this.#failAgain(row, item, stamp, since);
        return;
      }
      const isDone =
        exists &&
        !force &&
        row.outcome === "done" &&
        (await isUnchanged(row, item.path, stamp, recipe)) &&
        ((await this.#options.isComplete?.(item)) ?? true);
      if (isDone) {
        if (row.inputHash !== null)
          folder.manifest.recordDone(item.path, stamp, row.inputHash, recipe);
        this.#counts.skipped++;
        this.#finish(item, since, { outcome: "skipped", reason: "unchanged" });
        return;
      }
      const { content, inputHash, note } = await this.#options.work(item, {
        signal: this.#signal,
        onStart: (attempt) =>
          this.#emit({ type: "item-started", at: Date.now(), item: item.path, attempt }),
      });
      folder.manifest.markWritten(item.path);
      const output = await folder.write(row.output, content);
      folder.manifest.recordDone(item.path, stamp, inputHash, recipe);
      this.#counts.done++;
      this.#finish(item, since, { outcome: "done", output, ...(note ? { reason: note } : {}) });
    } catch (error) {
      // Cut off, not failed: it stays pending and the next run does it.
      if (this.#signal.aborted) return;
      await this.#fail(item, since, error, stamp);
    }
  }

  async #fail(
    item: FileItem,
    since: number,
    thrown: unknown,
    stamp: FileStamp | null,
  ): Promise<void> {
    const { explain = explainPlainly, isLasting, folder } = this.#options;
    const error = explain(thrown);
    const lasts = isLasting?.(error.code) ?? false;
    const input = lasts && stamp ? await this.#inputAt(item, stamp) : null;
    try {
      folder.manifest.recordFailed(item.path, error, Date.now(), input);
    } catch (cause) {
      throw unwritable(cause);
    }
    this.#counts.failed++;
    this.#failures.push({ path: item.path, ...error });
    this.#finish(item, since, { outcome: "failed", error });
  }

  /** What failed; null if it can have been changed meanwhile. */
  async #inputAt(item: FileItem, stamp: FileStamp): Promise<ItemInput | null> {
    try {
      const inputHash = await hashFile(item.path);
      const isSame = sameStamp(stamp, await stampFile(item.path));
      return isSame ? { stamp, inputHash, recipe: this.#options.recipe } : null;
    } catch {
      return null; // gone, or unreadable by now: it is tried again
    }
  }

  async #failsAgain(row: ManifestRow, item: FileItem, stamp: FileStamp): Promise<boolean> {
    const { force = false, retryFailed = false, recipe } = this.#options;
    if (force || retryFailed || row.outcome !== "failed") return false;
    return isUnchanged(row, item.path, stamp, recipe);
  }

  #failAgain(row: ManifestRow, item: FileItem, stamp: FileStamp, at: number): void {
    const { folder, recipe } = this.#options;
    const error = { code: row.errorCode ?? "TASK_FAILED", message: row.errorMessage ?? "" };
    const since = row.failedAt ?? Date.now();
    if (row.inputHash !== null)
      folder.manifest.recordFailed(item.path, error, since, {
        stamp,
        inputHash: row.inputHash,
        recipe,
      });
    this.#counts.failed++;
    this.#failures.push({ path: item.path, ...error, since: new Date(since).toISOString() });
    this.#finish(item, at, { outcome: "failed", error: { ...error, since } });
  }

  #finish(
    item: FileItem,
    since: number,
    end: Pick<
      Extract<CofferdamEvent, { type: "item-finished" }>,
      "outcome" | "reason" | "output" | "error"
    >,
  ): void {
    const durationMs = monotonicMs() - since;
    this.#emit({ type: "item-finished", at: Date.now(), item: item.path, durationMs, ...end });
  }

  #emit(event: CofferdamEvent): void {
    this.#options.onEvent?.(event);
  }
}

export function explainPlainly(error: unknown): { code: string; message: string } {
  return { code: errorCode(error) ?? "TASK_FAILED", message: errorMessage(error) };
}

function unwritable(cause: unknown): CofferdamError {
  return new CofferdamError(
    "OUTPUT",
    `the manifest cannot be written (${errorMessage(cause)}), so the run was ended; what it has recorded is done, and the next run does the rest: make room first, if the disk is full`,
    { cause },
  );
}

function foreignOutput(path: string): CofferdamError {
  return new CofferdamError(
    "OUTPUT",
    `${path} is there already and was not written by an earlier run; move it away, or use --force to write over it`,
  );
}

/** Gives every new item an output name that no other item has, and records it. */
function planOutputs(items: readonly FileItem[], { manifest }: OutputFolder): void {
  manifest.transaction(() => {
    for (const item of items) {
      if (manifest.find(item.path)) continue;
      const isTaken = manifest.isOutputTaken(item.output);
      manifest.plan(item.path, isTaken ? distinctName(item) : item.output);
    }
  });
}

/** `paper.md` → `paper-1f3a9c02.md`, the same for the same input every time. */
function distinctName({ path, output }: FileItem): string {
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 8);
  const dot = output.lastIndexOf(".");
  return dot <= 0 ? `${output}-${hash}` : `${output.slice(0, dot)}-${hash}${output.slice(dot)}`;
}
