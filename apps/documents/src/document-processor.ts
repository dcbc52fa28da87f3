import { basename, join, resolve } from "node:path";
import {
  hashFile,
  openOutputFolder,
  openScope,
  type EventListener,
  type OutputFolder,
  type Scope,
  type ScopeReport,
} from "cofferdam";
import { batches } from "./batches.ts";
import { checkFile } from "./check-file.ts";
import { checkSizes, toChunks, type ChunkOptions } from "./chunks/chunks.ts";
import type { FailedDocument, ProcessedDocument } from "./document-results.ts";
import type { Conversion, Engine } from "./engines/engine.ts";
import { Expected } from "./engines/expected.ts";
import { openEngine, type EngineOptions } from "./engines/open-engine.ts";
import { explainFailure, isLastingFailure } from "./explain.ts";
import { inParallel } from "./in-parallel.ts";
import { formatPageRange, parsePageRange } from "./pages/page-range.ts";
import { DocumentStore } from "./store/document-store.ts";
import { KnownFailure } from "./store/failure-records.ts";
import type { ConversionRecipe, DocumentMetadata } from "./store/metadata.ts";

/**
 * Where nothing of an earlier document may be left: before the engine is there, around each document
 * and its failure, and between documents and batches.
 */
export type Checkpoint =
  | "before-engine"
  | "before-document"
  | "after-document"
  | "after-error"
  | "between-documents"
  | "between-batches";

export interface DocumentProcessorOptions extends EngineOptions {
  /** The folder for texts and metadata; made if it is not there. */
  readonly out: string;
  /** The pages to convert, counted from 1: `"1,5-10"`. Default: all. */
  readonly pageRange?: string;
  readonly chunks?: ChunkOptions;
  readonly onEvent?: EventListener;
  /** Called, and waited for, at each checkpoint. */
  readonly onCheckpoint?: (checkpoint: Checkpoint) => void | Promise<void>;
}

export interface ProcessOptions {
  /** Convert what has been converted already, and what is known to fail, too. */
  readonly force?: boolean;
  /** Try again the documents that are known to fail. */
  readonly retryFailed?: boolean;
  readonly signal?: AbortSignal;
}

export interface BatchOptions extends ProcessOptions {
  /** Documents between two pauses at which nothing is at work. Default: all. */
  readonly batchSize?: number;
  /** Documents in work at once. Default: as many as the engine wants. */
  readonly concurrency?: number;
}

/**
 * Converts documents, keeps their texts and metadata in a folder, and cuts them into chunks. The
 * same content is converted once, whatever its file is called: `already_processed`. A failure that
 * is the document's own is kept, too, and given again instead of tried again.
 *
 * No model is loaded in the calling process, and each document's processes are gone when its result
 * is there (a batch's and warm workers' when the processor is closed).
 */
export class DocumentProcessor implements AsyncDisposable {
  readonly #options: DocumentProcessorOptions;
  readonly #scope: Scope;
  readonly #folder: OutputFolder;
  readonly #store: DocumentStore;
  readonly #engine: Engine;
  readonly #recipe: ConversionRecipe;
  readonly #inWork = new Map<string, Promise<unknown>>();
  #closing: Promise<ScopeReport> | undefined;

  /** Rejects with `INVALID_ARGUMENT`, `OUTPUT`, `LOCKED` or `TOOL_UNAVAILABLE`. */
  static async open(options: DocumentProcessorOptions): Promise<DocumentProcessor> {
    checkSizes(options.chunks ?? {});
    const { onEvent, pageRange } = options;
    const pages = pageRange === undefined ? undefined : parsePageRange(pageRange);
    await options.onCheckpoint?.("before-engine");
    const folder = await openOutputFolder(resolve(options.out));
    try {
      const scope = await openScope(onEvent ? { onEvent } : {});
      try {
        const store = await DocumentStore.open(folder);
        const engine = await openEngine(
          scope,
          options,
          { pageMarkers: true, marked: true, pages },
          {
            scratch: join(folder.path, ".cofferdam", "marker"),
            notice: (level, message) =>
              onEvent?.({ type: "notice", at: Date.now(), level, message }),
          },
        );
        const recipe = {
          engine: engine.name,
          engine_version: engine.version,
          page_range: pages ? formatPageRange(pages) : null,
        };
        return new DocumentProcessor(options, scope, folder, store, engine, recipe);
      } catch (error) {
        await scope.close();
        throw error;
      }
    } catch (error) {
      folder[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(
    options: DocumentProcessorOptions,
    scope: Scope,
    folder: OutputFolder,
    store: DocumentStore,
    engine: Engine,
    recipe: ConversionRecipe,
  ) {
    this.#options = options;
    this.#scope = scope;
    this.#folder = folder;
    this.#store = store;
    this.#engine = engine;
    this.#recipe = recipe;
  }

  /**
   * One document. Rejects with the reason why it cannot be converted: see `explainFailure`; with a
   * `KnownFailure` where that was found earlier.
   */
  process(path: string, options: ProcessOptions = {}): Promise<ProcessedDocument> {
    const expected = this.#expect();
    const processing = this.#process(path, options, expected);
    expected.isAll();
    return processing;
  }

  /**
   * Many documents; each one's result as soon as it is there. One that fails is a result, too, and
   * stops no other. Leaving the loop cancels what is in work.
   */
  async *processBatch(
    paths: Iterable<string> | AsyncIterable<string>,
    options: BatchOptions = {},
  ): AsyncGenerator<ProcessedDocument | FailedDocument> {
    const concurrency = options.concurrency ?? this.#engine.appetite;
    const stop = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
    const expected = this.#expect();
    const one = async (path: string): Promise<ProcessedDocument | FailedDocument> => {
      try {
        return await this.#process(path, { ...options, signal }, expected);
      } catch (error) {
        if (signal.aborted) throw error;
        const since = error instanceof KnownFailure ? { since: error.since } : {};
        const sourcePath = resolve(path);
        return {
          status: "failed",
          sourcePath,
          filename: basename(path),
          error: { ...explainFailure(error), ...since },
        };
      }
    };
    let isFirst = true;
    try {
      for await (const batch of batches(paths, options.batchSize ?? Infinity)) {
        if (!isFirst) await this.#reached("between-batches");
        let betweenDocuments = false;
        for await (const result of inParallel(batch, one, {
          concurrency,
          onFull: () => expected.isAll(),
          before: async () => {
            expected.isNotAll();
            if (betweenDocuments) await this.#reached("between-documents");
            betweenDocuments = true;
          },
        }))
          yield result;
        isFirst = false;
      }
    } finally {
      stop.abort();
    }
  }

  /** What was started so far, and what is left of it. */
  report(): ScopeReport {
    return this.#scope.report();
  }

  /** Ends everything. Resolves, with the report, when it is gone. */
  close(): Promise<ScopeReport> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<ScopeReport> {
    try {
      await this.#engine[Symbol.asyncDispose]();
      return await this.#scope.close();
    } finally {
      this.#folder[Symbol.dispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #expect(): Expected<symbol> {
    return new Expected(() => this.#engine.finish());
  }

  async #process(
    path: string,
    options: ProcessOptions,
    expected: Expected<symbol>,
  ): Promise<ProcessedDocument> {
    const key = Symbol(path);
    expected.add(key);
    try {
      await this.#reached("before-document");
      await checkFile(path);
      const hash = await hashFile(path);
      await this.#sameBefore(hash, key, expected);
      const processing = this.#findOrConvert(path, hash, options, () => expected.seen(key));
      this.#inWork.set(hash, processing);
      const result = await processing.finally(() => this.#inWork.delete(hash));
      await this.#reached("after-document");
      return result;
    } catch (error) {
      await this.#reached("after-error");
      throw error;
    } finally {
      expected.seen(key);
    }
  }

  /** Waits while the same content is in work: its text will be found then. */
  async #sameBefore(hash: string, key: symbol, expected: Expected<symbol>): Promise<void> {
    for (;;) {
      const before = this.#inWork.get(hash);
      if (!before) return;
      expected.seen(key);
      await before.catch(() => undefined);
      expected.add(key);
    }
  }

  async #findOrConvert(
    path: string,
    hash: string,
    { force = false, retryFailed = false, signal }: ProcessOptions,
    onGiven: () => void,
  ): Promise<ProcessedDocument> {
    const since = performance.now();
    const found = force ? null : await this.#store.find(hash, this.#recipe);
    if (found) return this.#result(path, "already_processed", found.metadata, found.text, 0);
    const known = force || retryFailed ? null : this.#store.failures.find(hash, this.#recipe);
    if (known) throw new KnownFailure(known);
    signal?.throwIfAborted();
    const converting = this.#engine.convert(resolve(path), signal ? { signal } : {});
    onGiven();
    const conversion = await converting.catch(async (error: unknown) => {
      await this.#rememberFailure(path, hash, error);
      throw error;
    });
    const metadata = await this.#save(path, conversion);
    const tookMs = performance.now() - since;
    return this.#result(path, "newly_processed", metadata, conversion.markdown, tookMs);
  }

  /** Only what the same bytes have again, and are still there to have. */
  async #rememberFailure(path: string, hash: string, thrown: unknown): Promise<void> {
    const error = explainFailure(thrown);
    if (!isLastingFailure(error.code)) return;
    if ((await hashFile(path).catch(() => null)) !== hash) return;
    await this.#store.failures.add({
      original_filename: basename(path),
      content_hash: hash,
      failed_at: new Date().toISOString(),
      error,
      conversion: this.#recipe,
    });
  }

  #save(path: string, conversion: Conversion): Promise<DocumentMetadata> {
    return this.#store.save({
      filename: basename(path),
      contentHash: conversion.inputHash,
      text: conversion.markdown,
      pages: conversion.pages,
      recipe: this.#recipe,
    });
  }

  #result(
    path: string,
    status: ProcessedDocument["status"],
    metadata: DocumentMetadata,
    text: string,
    processingTimeMs: number,
  ): ProcessedDocument {
    const filename = basename(path);
    const id = metadata.document_id;
    return {
      status,
      id,
      sourcePath: resolve(path),
      filename,
      processedAt: metadata.extracted_at,
      processingTimeMs,
      contentHash: metadata.content_hash,
      rawTextPath: this.#store.textPath(metadata),
      text,
      chunks: toChunks(text, { id, name: filename }, this.#options.chunks),
      metadata,
    };
  }

  async #reached(checkpoint: Checkpoint): Promise<void> {
    await this.#options.onCheckpoint?.(checkpoint);
  }
}
