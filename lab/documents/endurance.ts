import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DocumentProcessor, type Checkpoint } from "@cofferdam/documents";
import { installMarker } from "../../apps/documents/test/support/marker.ts";
import { openDescriptors, readProcesses } from "../census/index.ts";
import { writeDocuments } from "./papers.ts";

/** What there is at a moment, in and around the calling process. */
export interface Sample {
  readonly rssBytes: number;
  readonly descriptors: number;
  /** Entries in the machine's `/dev/shm`. */
  readonly sharedMemory: number;
  /** Processes of the stand-in for Marker. */
  readonly markers: number;
}

export interface EnduranceReport {
  readonly documents: number;
  readonly converted: number;
  /** The most of each at each of the six checkpoints. */
  readonly worst: Readonly<Partial<Record<Checkpoint, Sample>>>;
  /** Means over the first tenth of the documents, and over the last. */
  readonly first: Sample;
  readonly last: Sample;
  /** Medians of the time for a document, in the same tenths. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly left: number;
}

/** Sends so many documents through one processor, one at a time, a Marker for each, and counts. */
export async function endure(folder: string, documents: number): Promise<EnduranceReport> {
  const installed = installMarker(join(folder, "marker"));
  const paths = writeDocuments(join(folder, "papers"), documents, (index) =>
    index % 50 === 49 ? "no-pdf" : "sound",
  );
  const worst: Partial<Record<Checkpoint, Sample>> = {};
  const perDocument: Sample[] = [];
  const times: number[] = [];
  const processor = await DocumentProcessor.open({
    out: join(folder, "out"),
    engine: "marker",
    marker: installed.bin,
    workers: 1,
    onCheckpoint: (checkpoint) => {
      const sample = take(installed.bin);
      worst[checkpoint] = greater(worst[checkpoint], sample);
      if (checkpoint === "after-document") perDocument.push(sample);
    },
  });
  let converted = 0;
  for await (const result of processor.processBatch(paths, { batchSize: 50, concurrency: 1 })) {
    if (result.status !== "newly_processed") continue;
    converted += 1;
    times.push(result.processingTimeMs);
  }
  const { processes } = await processor.close();
  const tenth = Math.floor(converted / 10);
  return {
    documents,
    converted,
    worst,
    first: mean(perDocument.slice(0, tenth)),
    last: mean(perDocument.slice(-tenth)),
    firstMs: median(times.slice(0, tenth)),
    lastMs: median(times.slice(-tenth)),
    left: processes.left,
  };
}

function take(bin: string): Sample {
  const markers = readProcesses().filter(({ cmdline }) =>
    cmdline.some((word) => word.startsWith(bin)),
  );
  return {
    rssBytes: process.memoryUsage.rss(),
    descriptors: openDescriptors(process.pid) ?? 0,
    sharedMemory: readdirSync("/dev/shm").length,
    markers: markers.length,
  };
}

function greater(a: Sample | undefined, b: Sample): Sample {
  if (a === undefined) return b;
  return {
    rssBytes: Math.max(a.rssBytes, b.rssBytes),
    descriptors: Math.max(a.descriptors, b.descriptors),
    sharedMemory: Math.max(a.sharedMemory, b.sharedMemory),
    markers: Math.max(a.markers, b.markers),
  };
}

function mean(samples: readonly Sample[]): Sample {
  const of = (key: keyof Sample): number =>
    samples.reduce((sum, sample) => sum + sample[key], 0) / Math.max(1, samples.length);
  return {
    rssBytes: Math.round(of("rssBytes")),
    descriptors: of("descriptors"),
    sharedMemory: of("sharedMemory"),
    markers: of("markers"),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
