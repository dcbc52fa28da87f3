import type { Experiment } from "../experiment.ts";
import {
  describeEnd,
  describePeerOptions,
  findPresent,
  readPeerOptions,
  type Skipped,
} from "../peers.ts";
import { findPython, pythonMissing } from "../survivors/python.ts";
import { formatTable } from "../table.ts";
import { allMeans } from "./all-means.ts";
import type { Means } from "./means.ts";
import { measure, type Measurement, type MeasureOptions } from "./measure.ts";
import { type Situation, SITUATIONS, situations } from "./situations.ts";

interface Row {
  readonly situation: Situation;
  readonly end: string;
  readonly means: string;
  readonly title: string;
  readonly version: string;
  readonly found: Measurement;
}

const DEADLINE_MS = 1500;

export const semaphores: Experiment = {
  summary: "what a Python tool leaves in /dev/shm, by the way it is ended",
  usage: `npm run lab semaphores -- [--only NAME]… [--settle MS] [--deadline MS] [--json]

A Python tool holds three multiprocessing locks and a block of shared memory (four entries in
/dev/shm), a System V semaphore, shared memory and queue, and a POSIX message queue, and says their
names. It is ended in four ways. What is left is counted by those names (lab/census), compared with
what the report says, and then removed by those names.

${describePeerOptions(allMeans, {
  whose: "the tool's deadline",
  whom: "what is left is",
  deadlineMs: DEADLINE_MS,
})}`,
  run: async (args) => {
    const { chosen, json, ...options } = await readPeerOptions(args, allMeans, {
      deadlineMs: DEADLINE_MS,
    });
    if (findPython() === null) {
      console.log(`semaphores: skipped, because ${pythonMissing}`);
      return 0;
    }
    const { present, skipped } = await findPresent(chosen);
    const rows = await measureAll(present, options);
    console.log(json ? JSON.stringify({ rows, skipped }, null, 1) : describe(rows, skipped));
    return rows.every(({ found }) => found.made !== null && found.leftByExperiment === 0) ? 0 : 1;
  },
};

async function measureAll(present: readonly Means[], options: MeasureOptions): Promise<Row[]> {
  const rows: Row[] = [];
  for (const situation of situations) {
    for (const means of present) {
      rows.push({
        situation,
        end: SITUATIONS[situation][means.contained ? "cofferdam" : "peer"],
        means: means.name,
        title: means.title,
        version: await means.version(),
        found: await measure(means, situation, options),
      });
    }
  }
  return rows;
}

function describe(rows: readonly Row[], skipped: readonly Skipped[]): string {
  const table = formatTable(
    [
      "how it ends",
      "by",
      "version",
      "/dev/shm",
      "System V",
      "queue",
      "told",
      "processes",
      "tracker warns of",
    ],
    rows.map(({ end, title, version, found }) => [end, title, version, ...describeCells(found)]),
  );
  const left = rows.reduce((sum, { found }) => sum + found.leftByExperiment, 0);
  return [table, ...describeEnd(skipped, left)].join("\n");
}

function describeCells({ made, left, told, processes, warned, stderr }: Measurement): string[] {
  if (made === null) {
    return [`invalid: the tool did not run ${stderr.trim().split("\n").at(-1) ?? ""}`];
  }
  return [
    `${left.sharedMemory} of ${made.sharedMemory}`,
    made.sysv === 0 ? "not made" : `${left.sysv} of ${made.sysv}`,
    made.queues === 0 ? "not made" : `${left.queues} of ${made.queues}`,
    told === null ? "no report" : `${told} of ${left.sharedMemory + left.sysv + left.queues}`,
    String(processes),
    String(warned),
  ];
}
