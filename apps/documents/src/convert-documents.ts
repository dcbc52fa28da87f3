import { availableParallelism } from "node:os";
import { basename, join, resolve } from "node:path";
import {
  openOutputFolder,
  openScope,
  runItems,
  type EventListener,
  type FileItem,
  type OutputFolder,
  type RunItemsOptions,
  type RunItemsResult,
  type ScopeReport,
} from "cofferdam";
import { ChunkFiles, makeChunkFile } from "./chunks/chunk-file.ts";
import { defaultChunks } from "./chunks/chunks.ts";
import { findCopies } from "./copies.ts";
import { CopyWork } from "./copy-work.ts";
import type { Conversion, Engine } from "./engines/engine.ts";
import { Expected } from "./engines/expected.ts";
import { openEngine, type EngineOptions } from "./engines/open-engine.ts";
import { explainFailure, isLastingFailure } from "./explain.ts";
import { findDocuments } from "./find-documents.ts";
import { MadeFiles } from "./made-files.ts";
import { formatPageRange, parsePageRange, type PageList } from "./pages/page-range.ts";

/** Changed when the same document gives another result for a reason that no other part tells. */
const recipeVersion = 2;

/** Of more documents than this, not each one's way is told in notices. */
const toldMax = 50;

export interface ConvertDocumentsOptions extends EngineOptions {
  /** Files and folders. */
  readonly inputs: readonly string[];
  /** Made if it is not there. */
  readonly out: string;
  /** The pages to convert, counted from 1: `"1,5-10"`. Default: all. */
  readonly pageRange?: string;
  readonly pageMarkers?: boolean;
  /** Write `<name>.chunks.json` beside each `<name>.md`. */
  readonly chunks?: boolean;
  /** Convert what is unchanged, and what is known to fail, too; write over files of others. */
  readonly force?: boolean;
  /** Try again the documents that are known to fail. */
  readonly retryFailed?: boolean;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

export interface ConvertDocumentsResult extends RunItemsResult {
  /** How many of those done are copies of another, whose result they were given. */
  readonly copies: number;
  readonly scope: ScopeReport;
}

/**
 * Converts PDFs to Markdown files `out/<stem>.md` in contained processes. A document that cannot be
 * converted is a failure in the result and stops nothing else. What several files have the content
 * of is converted once. Resolves when every process is gone.
 *
 * Rejects with `INVALID_ARGUMENT`, `OUTPUT`, `LOCKED`, `MANIFEST_DAMAGED` or `TOOL_UNAVAILABLE`.
 */
export async function convertDocuments(
  options: ConvertDocumentsOptions,
): Promise<ConvertDocumentsResult> {
  const { pageRange, onEvent, signal } = options;
  const pages = pageRange === undefined ? undefined : parsePageRange(pageRange);
  const items = await findDocuments(options.inputs);
  using folder = await openOutputFolder(resolve(options.out));
  await using scope = await openScope(onEvent ? { onEvent } : {});
  const { pageMarkers = false, chunks = false } = options;
  await using engine = await openEngine(
    scope,
    { ...options, ...workersFor(options, items.length) },
    { pageMarkers, marked: chunks, pages },
    {
      scratch: join(folder.path, ".cofferdam", "marker"),
      notice: (level, message) => {
        if (level === "info" && items.length > toldMax) return;
        onEvent?.({ type: "notice", at: Date.now(), level, message });
      },
    },
  );
  const run = new DocumentsRun(folder, engine, options, pages);
  const result = await run.all(items, signal);
  await engine[Symbol.asyncDispose]();
  return { ...result, scope: await scope.close() };
}

/** Never more than there are documents. */
function workersFor(options: ConvertDocumentsOptions, documents: number): { workers?: number } {
  const { workers, engine = "embedded" } = options;
  if (workers !== undefined || engine !== "embedded") return {};
  return { workers: Math.max(1, Math.min(availableParallelism(), documents)) };
}

class DocumentsRun {
  readonly #folder: OutputFolder;
  readonly #engine: Engine;
  readonly #options: ConvertDocumentsOptions;
  readonly #recipe: string;
  readonly #made: MadeFiles;
  readonly #chunks: ChunkFiles | null;

  constructor(
    folder: OutputFolder,
    engine: Engine,
    options: ConvertDocumentsOptions,
    pages: PageList | undefined,
  ) {
    const { pageMarkers = false, chunks = false, force = false } = options;
    this.#folder = folder;
    this.#engine = engine;
    this.#options = options;
    this.#made = new MadeFiles(folder);
    this.#chunks = chunks ? new ChunkFiles(folder, this.#made, force) : null;
    this.#recipe = JSON.stringify([
      recipeVersion,
      engine.name,
      engine.version,
      pageMarkers,
      pages ? formatPageRange(pages) : null,
      chunks ? defaultChunks : null,
    ]);
  }

  async all(
    found: readonly FileItem[],
    signal: AbortSignal | undefined,
  ): Promise<RunItemsResult & { copies: number }> {
    const { force = false, retryFailed = false, onEvent } = this.#options;
    const originals = await findCopies(found);
    // Copies come last: what they wait for has begun by then.
    const isCopy = (item: FileItem): boolean => originals.has(item.path);
    const items = [...found.filter((item) => !isCopy(item)), ...found.filter(isCopy)];
    const copies = new CopyWork(
      this.#folder,
      { made: this.#made, chunks: this.#chunks },
      originals,
      this.#recipe,
    );
    const expected = new Expected<string>(() => this.#engine.finish());
    // A copy is not expected: as long as it waits it brings nothing, and it may not even have begun.
    for (const { path } of items) if (!originals.has(path)) expected.add(path);
    expected.isAll();
    const giveUp = (): void => copies.giveUp();
    signal?.addEventListener("abort", giveUp, { once: true });
    const convert: RunItemsOptions["work"] = async (item, context) => {
      await this.#chunks?.check(item);
      const copied = await copies.take(item, {
        onWait: () => expected.seen(item.path),
        onEnd: () => expected.add(item.path),
      });
      if (copied) return copied;
      const converting = this.#engine.convert(item.path, context);
      expected.seen(item.path);
      const conversion = await copies.remember(item, converting);
      await this.#writeChunks(item, conversion);
      return { content: conversion.markdown, inputHash: conversion.inputHash };
    };
    const result = await runItems(items, {
      title: "documents",
      folder: this.#folder,
      recipe: this.#recipe,
      workers: this.#engine.workers,
      lanes: this.#engine.appetite,
      force,
      retryFailed,
      explain: explainFailure,
      isLasting: isLastingFailure,
      ...(this.#chunks ? { isComplete: (item) => this.#isComplete(item) } : {}),
      work: async (item, context) => {
        const result = await convert(item, context);
        const output = this.#folder.manifest.find(item.path)?.output;
        if (output !== undefined) this.#made.record(output, result.content);
        return result;
      },
      onEvent: (event) => {
        if (event.type === "item-finished") {
          copies.finished(event.item);
          expected.seen(event.item);
        }
        onEvent?.(event);
      },
      ...(signal ? { signal } : {}),
    });
    signal?.removeEventListener("abort", giveUp);
    return { ...result, copies: copies.count };
  }

  async #isComplete(item: FileItem): Promise<boolean> {
    return (await this.#chunks?.exists(item)) ?? true;
  }

  async #writeChunks(item: FileItem, conversion: Conversion): Promise<void> {
    if (!this.#chunks || conversion.marked === null) return;
    const { marked, inputHash, pages } = conversion;
    await this.#chunks.write(item, makeChunkFile(marked, basename(item.path), inputHash, pages));
  }
}
