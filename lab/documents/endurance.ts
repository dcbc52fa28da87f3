import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DocumentProcessor, type Checkpoint } from "@cofferdam/documents";
import { installMarker } from "../../apps/documents/test/support/marker.ts";
import { makePdf } from "../../apps/documents/test/support/pdf.ts";
import { openDescriptors, readProcesses } from "../census/index.ts";

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
  /** Means over the first tenth after warming up (the second), and over the last. */
  readonly early: Sample;
  readonly late: Sample;
  /** Medians of the time for a document, in the same tenths. */
  readonly earlyMs: number;
  readonly lateMs: number;
  readonly left: number;
}

/** Sends so many documents through one processor, one at a time, a Marker for each, and counts. */
export async function endure(folder: string, documents: number): Promise<EnduranceReport> {
  const installed = installMarker(join(folder, "marker"));
  const paths = writeDocuments(join(folder, "papers"), documents);
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
  const early = [tenth, 2 * tenth] as const;
  const late = [converted - tenth, converted] as const;
  return {
    documents,
    converted,
    worst,
    early: mean(perDocument.slice(...early)),
    late: mean(perDocument.slice(...late)),
    earlyMs: median(times.slice(...early)),
    lateMs: median(times.slice(...late)),
    left: processes.left,
  };
}

/** Each with a text of its own; unless all are to be sound, each fiftieth is no PDF. */
export function writeDocuments(
  folder: string,
  count: number,
  { sound = false }: { sound?: boolean } = {},
): string[] {
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: count }, (_, index) => {
    const path = join(folder, `paper-${String(index).padStart(4, "0")}.pdf`);
    const text = `Paper ${index} has a page, and on it this sentence.`;
    writeFileSync(path, !sound && index % 50 === 49 ? "no PDF" : makePdf([text]));
    return path;
  });
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
