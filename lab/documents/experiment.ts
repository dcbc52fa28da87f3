import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { UsageError, type Experiment } from "../experiment.ts";
import { wholeNumber } from "../options.ts";
import { compareBatch, type BatchReport } from "./batch.ts";
import { type BatchKill, killBatches, type KillsReport } from "./kills.ts";
import { endure, type EnduranceReport, type Sample } from "./endurance.ts";
import { BATCH_VICTIMS } from "./victims.ts";

const parts = ["endurance", "batch", "kills"] as const;

export const documents: Experiment = {
  summary: "a thousand documents through Marker's stand-in; batches, and kills in them",
  usage: `npm run lab documents -- [--only endurance|batch|kills] [--count N] [--kills N] [--seed N] [--json]

endurance: sends N documents (1,000 by default) through a stand-in for Marker, a process for each, and
looks at the six points where nothing of a document may be left: at the supervisor's memory, its
descriptors, /dev/shm, and the processes of the stand-in. The supervisor is a process of its own and
waits meanwhile, so that looking at it costs it nothing.

batch: 60 documents, with models that take 3 s to load and documents that take 0.5 s, on 2 workers: one
Marker for all; the same with two documents that end whoever converts them; and a Marker for each.

kills: SIGKILL N times (with --kills N alone; 20 with --only kills), at random moments of a batch, to
the command, its keeper, an init, Marker, and a worker of Marker in turn. Each document must end as
converted, or failed with its cause, or be converted by the next run, and nothing be left.
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: "string" },
        count: { type: "string", default: "1000" },
        kills: { type: "string" },
        seed: { type: "string", default: String(Date.now() % 1_000_000) },
        json: { type: "boolean", default: false },
      },
    });
    if (values.only !== undefined && !parts.some((part) => part === values.only))
      throw new UsageError(`--only is one of ${parts.join(", ")}, not ${values.only}`);
    const only = values.only ?? (values.kills === undefined ? undefined : "kills");
    const wants = (part: (typeof parts)[number]): boolean => only === undefined || only === part;
    const endurance = wants("endurance")
      ? await runEndurance(wholeNumber("--count", values.count))
      : null;
    const batch = wants("batch") ? await runBatch() : null;
    const kills = wants("kills")
      ? await runKills(
          wholeNumber("--kills", values.kills ?? "20"),
          wholeNumber("--seed", values.seed),
        )
      : null;
    console.log(
      values.json
        ? JSON.stringify({ endurance, batch, kills }, null, 1)
        : [
            endurance && describeEndurance(endurance),
            batch && describeBatch(batch),
            kills && describeKills(kills),
          ]
            .filter((text) => text !== null)
            .join("\n"),
    );
    const holds =
      (!endurance || isFlat(endurance)) &&
      (!batch || losesOnlyThePoisoned(batch)) &&
      (!kills || kills.kills.every(({ violations }) => violations.length === 0));
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

function runKills(kills: number, seed: number): Promise<KillsReport> {
  const onKill = ({ number, victim, atMs, violations }: BatchKill): void => {
    const verdict = violations.length === 0 ? "ok" : `VIOLATED: ${violations.join("; ")}`;
    console.error(`kill ${number}, ${victim} at ${atMs} ms: ${verdict}`);
  };
  return inFolder((folder) => killBatches(folder, { kills, seed, onKill }));
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
  const change = ((lastMs / firstMs - 1) * 100).toFixed(1);
  const more = lastMs < firstMs ? change : `+${change}`;
  const growth = (growthOf(report) / 1e6).toFixed(1);
  return [
    `${converted} of ${documents} documents converted, ${left} processes left`,
    ...tenths.map((sample, index) => `tenth ${index + 1}: ${show(sample)}`),
    `memory from the second tenth to the last: ${growth} MB more`,
    `median time: first tenth ${firstMs.toFixed(1)} ms, last ${lastMs.toFixed(1)} ms (${more} %)`,
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

function describeKills({ documents, seed, kills, missed }: KillsReport): string {
  const bad = kills.filter(({ violations }) => violations.length > 0);
  const byVictim = BATCH_VICTIMS.map((victim) => {
    const struck = kills.filter((kill) => kill.victim === victim);
    const codes = struck.flatMap(({ failed }) => failed);
    const sum = struck.reduce((total, { converted }) => total + converted, 0);
    return `  ${victim}: ${struck.length} kills, ${sum} documents converted in the struck runs, ${codes.length} failed${codes.length > 0 ? ` (${[...new Set(codes)].join(", ")})` : ""}`;
  });
  return [
    `${kills.length} kills in batches of ${documents} documents, seed ${seed} (${missed} moments came too late): ${bad.length} violations`,
    ...byVictim,
  ].join("\n");
}

function show({ rssBytes, youngBytes, descriptors, sharedMemory, markers }: Sample): string {
  const memory = (rssBytes / 1e6).toFixed(1);
  const young = (youngBytes / 1e6).toFixed(1);
  return `${memory} MB (new objects ${young}), ${descriptors.toFixed(1)} descriptors, ${sharedMemory} in /dev/shm, ${markers} of Marker`;
}
