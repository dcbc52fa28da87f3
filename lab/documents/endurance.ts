import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Checkpoint } from "@cofferdam/documents";
import { installMarker } from "../../apps/documents/test/support/marker.ts";
import { openDescriptors, readProcesses } from "../census/index.ts";
import { writeDocuments } from "./papers.ts";
import type { Supervision, Word } from "./supervised.ts";

/** What there is at a moment, in the supervisor and around it. */
export interface Sample {
  /** Resident, of the supervisor alone. */
  readonly rssBytes: number;
  /** How much of it is for V8's new objects, which V8 sizes by itself. */
  readonly youngBytes: number;
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
  /** Means over each tenth of the documents, in order. */
  readonly tenths: readonly Sample[];
  /** Medians of the time for a document, in the first tenth and in the last. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly left: number;
}

/** Sends so many documents through a supervisor, one at a time, a Marker for each, and counts. */
export async function endure(folder: string, documents: number): Promise<EnduranceReport> {
  const installed = installMarker(join(folder, "marker"));
  const paths = writeDocuments(join(folder, "papers"), documents, (index) =>
    index % 50 === 49 ? "no-pdf" : "sound",
  );
  const worst: Partial<Record<Checkpoint, Sample>> = {};
  const perDocument: Sample[] = [];
  const times: number[] = [];
  let left = Infinity;
  const supervision = { paths, out: join(folder, "out"), marker: installed.bin };
  await supervise(supervision, (word, pid) => {
    if (word.type === "converted") times.push(word.tookMs);
    if (word.type === "closed") left = word.left;
    if (word.type !== "checkpoint") return;
    const sample = take(pid, installed.bin, word.youngBytes);
    worst[word.checkpoint] = greater(worst[word.checkpoint], sample);
    if (word.checkpoint === "after-document") perDocument.push(sample);
  });
  const tenth = Math.floor(times.length / 10);
  return {
    documents,
    converted: times.length,
    worst,
    tenths: Array.from({ length: 10 }, (_, index) =>
      mean(perDocument.slice(index * tenth, (index + 1) * tenth)),
    ),
    firstMs: median(times.slice(0, tenth)),
    lastMs: median(times.slice(-tenth)),
    left,
  };
}

/** In a process of its own: what looks at it costs it nothing. */
async function supervise(
  supervision: Supervision,
  hear: (word: Word, pid: number) => void,
): Promise<void> {
  const program = fileURLToPath(new URL("supervised.ts", import.meta.url));
  const child = fork(program, [JSON.stringify(supervision)], {
    execArgv: ["--conditions=cofferdam-source"],
  });
  child.on("message", (word: Word) => {
    hear(word, child.pid ?? 0);
    if (word.type === "checkpoint") child.send("go on");
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (code !== 0) throw new Error(`the supervisor ended with ${signal ?? code ?? "?"}`);
}

function take(pid: number, bin: string, youngBytes: number): Sample {
  const markers = readProcesses().filter(({ cmdline }) =>
    cmdline.some((word) => word.startsWith(bin)),
  );
  return {
    rssBytes: residentBytes(pid),
    youngBytes,
    descriptors: openDescriptors(pid) ?? 0,
    sharedMemory: readdirSync("/dev/shm").length,
    markers: markers.length,
  };
}

function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1]) * 1024;
}

function greater(a: Sample | undefined, b: Sample): Sample {
  if (a === undefined) return b;
  return {
    rssBytes: Math.max(a.rssBytes, b.rssBytes),
    youngBytes: Math.max(a.youngBytes, b.youngBytes),
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
    youngBytes: Math.round(of("youngBytes")),
    descriptors: of("descriptors"),
    sharedMemory: of("sharedMemory"),
    markers: of("markers"),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
