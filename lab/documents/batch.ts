import { join } from "node:path";
import { convertDocuments, type ConvertDocumentsResult } from "@cofferdam/documents";
import { installMarker } from "../../apps/documents/test/support/marker.ts";
import { writeDocuments } from "./papers.ts";

export interface BatchReport {
  readonly documents: number;
  readonly workers: number;
  /** For each document a Marker of its own. */
  readonly singleMs: number;
  /** One Marker for all. */
  readonly batchMs: number;
  /** Loads shared by the workers, conversions in parallel, and nothing else. */
  readonly idealMs: number;
  /** The same batch, with two documents that end whoever converts them. */
  readonly poisoned: { readonly durationMs: number; readonly failed: readonly string[] };
  /** Processes that any of the runs left. */
  readonly left: number;
}

export interface BatchOptions {
  readonly documents: number;
  readonly workers: number;
  readonly loadSeconds: number;
  readonly convertSeconds: number;
}

/** The same documents with a Marker for each, and with one for all; and one for all, two poisoned. */
export async function compareBatch(folder: string, options: BatchOptions): Promise<BatchReport> {
  const { documents, workers, loadSeconds, convertSeconds } = options;
  const { bin } = installMarker(join(folder, "marker"), { loadSeconds, convertSeconds });
  const papers = join(folder, "papers");
  const poisonous = join(folder, "poisonous");
  writeDocuments(papers, documents);
  writeDocuments(poisonous, documents, (index) => (index % 30 === 7 ? "poisoned" : "sound"));
  const run = (name: string, input: string, batch?: number): Promise<ConvertDocumentsResult> =>
    convertDocuments({
      inputs: [input],
      out: join(folder, name),
      engine: "marker",
      marker: bin,
      workers,
      ...(batch === undefined ? {} : { batch }),
    });
  const batch = checked(await run("batch", papers, documents));
  const poisoned = await run("poisoned", poisonous, documents);
  const single = checked(await run("single", papers));
  return {
    documents,
    workers,
    singleMs: single.durationMs,
    batchMs: batch.durationMs,
    idealMs: (loadSeconds + (documents * convertSeconds) / workers) * 1000,
    poisoned: {
      durationMs: poisoned.durationMs,
      failed: poisoned.failures.map(
        ({ code, path }) => `${code} ${path.slice(poisonous.length + 1)}`,
      ),
    },
    left: [batch, poisoned, single].reduce((sum, { scope }) => sum + scope.processes.left, 0),
  };
}

function checked(result: ConvertDocumentsResult): ConvertDocumentsResult {
  const [failure] = result.failures;
  if (failure) throw new Error(`${result.failures.length} failed: ${failure.message}`);
  return result;
}
