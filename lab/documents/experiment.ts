import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Experiment } from "../experiment.ts";
import { compareBatch, type BatchReport } from "./batch.ts";
import { endure, type EnduranceReport, type Sample } from "./endurance.ts";

export const documents: Experiment = {
  summary: "a thousand documents through Marker's stand-in, and batches beside singles",
  usage: `npm run lab documents -- [--count N] [--json]

Sends N documents (1,000 by default) through a stand-in for Marker, a process for each, and looks at
the six points where nothing of a document may be left: at the supervisor's memory, its descriptors,
/dev/shm, and the processes of the stand-in. Then 60 documents, with models that take 3 s to load and
documents that take 0.5 s, on 2 workers: a Marker for each, and one for all.
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: { count: { type: "string", default: "1000" }, json: { type: "boolean" } },
    });
    const endurance = await inFolder((folder) => endure(folder, Number(values.count)));
    const batch = await inFolder((folder) =>
      compareBatch(folder, { documents: 60, workers: 2, loadSeconds: 3, convertSeconds: 0.5 }),
    );
    const report = { endurance, batch };
    console.log(
      values.json === true ? JSON.stringify(report, null, 1) : describe(endurance, batch),
    );
    const markers = Object.values(endurance.worst).map((sample) => sample.markers);
    return endurance.left === 0 && markers.every((count) => count === 0) ? 0 : 1;
  },
};

async function inFolder<Value>(work: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), "documents-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe(endurance: EnduranceReport, batch: BatchReport): string {
  const { early, late, earlyMs, lateMs } = endurance;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const over = ((batch.batchMs / batch.idealMs - 1) * 100).toFixed(0);
  return [
    `${endurance.converted} of ${endurance.documents} documents converted, ${endurance.left} processes left`,
    `second tenth: ${show(early)}, median ${earlyMs.toFixed(0)} ms`,
    `last tenth:   ${show(late)}, median ${lateMs.toFixed(0)} ms`,
    ...Object.entries(endurance.worst).map(
      ([point, sample]) => `most at ${point}: ${show(sample)}`,
    ),
    `${batch.documents} documents on ${batch.workers} workers: single ${seconds(batch.singleMs)}, batch ${seconds(batch.batchMs)}, ideal ${seconds(batch.idealMs)} (batch ${over} % above)`,
  ].join("\n");
}

function show({ rssBytes, descriptors, sharedMemory, markers }: Sample): string {
  const memory = (rssBytes / 1e6).toFixed(1);
  return `${memory} MB, ${descriptors.toFixed(1)} descriptors, ${sharedMemory} in /dev/shm, ${markers} of Marker`;
}
