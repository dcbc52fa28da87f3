import { availableParallelism } from "node:os";
import { extname, resolve } from "node:path";
import {
  openScope,
  OutputFolder,
  runItems,
  type Duration,
  type EventListener,
  type RunItemsResult,
  type ScopeReport,
  type Size,
} from "cofferdam";
import type * as Worker from "./convert-worker.ts";
import { embeddedEngine } from "./engine/index.ts";
import { explainFailure } from "./explain.ts";
import { findDocuments } from "./find-documents.ts";

/** Changed when the same document gives another result for a reason that no other part tells. */
const recipeVersion = 1;

const workerModule = new URL(`./convert-worker${extname(import.meta.url)}`, import.meta.url);

export interface ConvertDocumentsOptions {
  /** Files and folders. */
  readonly inputs: readonly string[];
  /** Made if it is not there. */
  readonly out: string;
  /** Default: the number of CPUs, and never more than there are documents. */
  readonly workers?: number;
  /** For each document. Default 10 min. */
  readonly timeout?: Duration;
  /** For each worker, with all that it starts. Default 2 GB. */
  readonly memory?: Size;
  readonly pageMarkers?: boolean;
  readonly force?: boolean;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

export interface ConvertDocumentsResult extends RunItemsResult {
  readonly scope: ScopeReport;
}

/**
 * Converts PDFs to Markdown files `out/<stem>.md` in contained workers. A document that cannot be
 * converted is a failure in the result and stops nothing else. Resolves when every process is gone.
 */
export async function convertDocuments(
  options: ConvertDocumentsOptions,
): Promise<ConvertDocumentsResult> {
  const { pageMarkers = false, onEvent } = options;
  const items = await findDocuments(options.inputs);
  const workers = options.workers ?? Math.max(1, Math.min(availableParallelism(), items.length));
  using folder = await OutputFolder.open(resolve(options.out));
  await using scope = await openScope({ ...(onEvent ? { onEvent } : {}) });
  const pool = scope.pool<typeof Worker>(workerModule, {
    workers,
    timeout: options.timeout ?? "10m",
    memory: options.memory ?? "2 GB",
  });
  const result = await runItems(items, {
    title: "documents",
    folder,
    recipe: JSON.stringify([
      recipeVersion,
      embeddedEngine.name,
      embeddedEngine.version,
      pageMarkers,
    ]),
    workers,
    force: options.force ?? false,
    explain: explainFailure,
    work: async (item, { signal, onStart }) => {
      const converted = await pool.runWith({ signal, onStart }, "convert", item.path, {
        pageMarkers,
      });
      return { content: converted.markdown, inputHash: converted.inputHash };
    },
    ...(onEvent ? { onEvent } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  return { ...result, scope: await scope.close() };
}
