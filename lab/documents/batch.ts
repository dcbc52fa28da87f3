import { join } from "node:path";
import { convertDocuments } from "@cofferdam/documents";
import { installMarker } from "../../apps/documents/test/support/marker.ts";
import { writeDocuments } from "./endurance.ts";

export interface BatchReport {
  readonly documents: number;
  readonly workers: number;
  /** For each document a Marker of its own. */
  readonly singleMs: number;
  /** One Marker for all. */
  readonly batchMs: number;
  /** Loads shared by the workers, conversions in parallel, and nothing else. */
  readonly idealMs: number;
}

export interface BatchOptions {
  readonly documents: number;
  readonly workers: number;
  readonly loadSeconds: number;
  readonly convertSeconds: number;
}

/** The same documents with a Marker for each, and with one for all. */
export async function compareBatch(folder: string, options: BatchOptions): Promise<BatchReport> {
  const { documents, workers, loadSeconds, convertSeconds } = options;
  const { bin } = installMarker(join(folder, "marker"), { loadSeconds, convertSeconds });
  const papers = join(folder, "papers");
  writeDocuments(papers, documents, { sound: true });
  const run = async (name: string, batch?: number): Promise<number> => {
    const { durationMs, failures } = await convertDocuments({
      inputs: [papers],
      out: join(folder, name),
      engine: "marker",
      marker: bin,
      workers,
      ...(batch === undefined ? {} : { batch }),
    });
    if (failures.length > 0)
      throw new Error(`${failures.length} failed: ${failures[0]?.message ?? ""}`);
    return durationMs;
  };
  return {
    documents,
    workers,
    singleMs: await run("single"),
    batchMs: await run("batch", documents),
    idealMs: (loadSeconds + (documents * convertSeconds) / workers) * 1000,
  };
}
