import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { UsageError, type Experiment } from "../experiment.ts";
import { compareBatch, type BatchReport } from "./batch.ts";
import { endure, type EnduranceReport, type Sample } from "./endurance.ts";

const parts = ["endurance", "batch"] as const;

export const documents: Experiment = {
  summary: "a thousand documents through Marker's stand-in, and batches beside singles",
  usage: `npm run lab documents -- [--only endurance|batch] [--count N] [--json]

endurance: sends N documents (1,000 by default) through a stand-in for Marker, a process for each, and
looks at the six points where nothing of a document may be left: at the supervisor's memory, its
descriptors, /dev/shm, and the processes of the stand-in. The supervisor is a process of its own and
waits meanwhile, so that looking at it costs it nothing.

batch: 60 documents, with models that take 3 s to load and documents that take 0.5 s, on 2 workers: one
Marker for all; the same with two documents that end whoever converts them; and a Marker for each.
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: "string" },
        count: { type: "string", default: "1000" },
        json: { type: "boolean", default: false },
      },
    });
    if (values.only !== undefined && !parts.some((part) => part === values.only))
      throw new UsageError(`--only is one of ${parts.join(", ")}, not ${values.only}`);
    const endurance = values.only === "batch" ? null : await runEndurance(Number(values.count));
    const batch = values.only === "endurance" ? null : await runBatch();
    console.log(
      values.json
        ? JSON.stringify({ endurance, batch }, null, 1)
        : [endurance && describeEndurance(endurance), batch && describeBatch(batch)]
            .filter((text) => text !== null)
            .join("\n"),
    );
    const holds = (!endurance || isFlat(endurance)) && (!batch || losesOnlyThePoisoned(batch));
    return holds ? 0 : 1;
  },
};

function runEndurance(count: number): Promise<EnduranceReport> {
  return inFolder((folder) => endure(folder, count));
}

function runBatch(): Promise<BatchReport> {
  const options = { documents: 60, workers: 2, loadSeconds: 3, convertSeconds: 0.5 };
  return inFolder((folder) => compareBatch(folder, options));
}

/** Of resident memory, from the second tenth (all code has run by then) to the last. */
const growthMaxBytes = 10e6;

/** Nothing of Marker at any of the six points, nothing left, and no more at the end than at first. */
function isFlat(report: EnduranceReport): boolean {
  const [first, last] = [report.tenths[0], report.tenths.at(-1)];
  if (!first || !last) return false;
  const nobody = Object.values(report.worst).every(({ markers }) => markers === 0);
  const noGrowth =
    growthOf(report) < growthMaxBytes &&
    last.descriptors < first.descriptors + 1 &&
    last.sharedMemory <= first.sharedMemory;
  return report.left === 0 && nobody && noGrowth;
}

function growthOf({ tenths }: EnduranceReport): number {
  return (tenths.at(-1)?.rssBytes ?? 0) - (tenths[1]?.rssBytes ?? 0);
}

function losesOnlyThePoisoned({ left, poisoned }: BatchReport): boolean {
  return left === 0 && poisoned.failed.join() === "CRASH paper-0007.pdf,CRASH paper-0037.pdf";
}

async function inFolder<Value>(work: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), "documents-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describeEndurance(report: EnduranceReport): string {
  const { documents, converted, tenths, firstMs, lastMs, left, worst } = report;
  const more = ((lastMs / firstMs - 1) * 100).toFixed(1);
  const growth = (growthOf(report) / 1e6).toFixed(1);
  return [
    `${converted} of ${documents} documents converted, ${left} processes left`,
    ...tenths.map((sample, index) => `tenth ${index + 1}: ${show(sample)}`),
    `memory from the second tenth to the last: ${growth} MB more`,
    `median time: first tenth ${firstMs.toFixed(1)} ms, last ${lastMs.toFixed(1)} ms (${more} % more)`,
    ...Object.entries(worst).map(([point, sample]) => `most at ${point}: ${show(sample)}`),
  ].join("\n");
}

function describeBatch(report: BatchReport): string {
  const { documents, workers, singleMs, batchMs, idealMs, poisoned, left } = report;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const above = ((batchMs / idealMs - 1) * 100).toFixed(0);
  return [
    `${documents} documents on ${workers} workers: single ${seconds(singleMs)}, batch ${seconds(batchMs)}, ideal ${seconds(idealMs)} (batch ${above} % above), ${left} processes left`,
    `two of them poisoned: batch ${seconds(poisoned.durationMs)}, failed: ${poisoned.failed.join(", ")}`,
  ].join("\n");
}

function show({ rssBytes, descriptors, sharedMemory, markers }: Sample): string {
  const memory = (rssBytes / 1e6).toFixed(1);
  return `${memory} MB, ${descriptors.toFixed(1)} descriptors, ${sharedMemory} in /dev/shm, ${markers} of Marker`;
}
