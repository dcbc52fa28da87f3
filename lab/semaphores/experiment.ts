import { parseArgs } from "node:util";
import { type Experiment, UsageError } from "../experiment.ts";
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

interface Skipped {
  readonly title: string;
  readonly because: string;
}

export const semaphores: Experiment = {
  summary: "what a Python tool leaves in /dev/shm, by the way it is ended",
  usage: `npm run lab semaphores -- [--only NAME]… [--settle MS] [--deadline MS] [--json]

A Python tool holds three multiprocessing locks and a block of shared memory (four entries in
/dev/shm) and a System V semaphore, and says their names. It is ended in four ways. What is left is
counted by the census (lab/census) by those names, and then removed by those names.

  --only NAME     ${allMeans.map((means) => means.name).join(", ")};
                  may be given again
  --settle MS     how long what is left is given to vanish (default 5000)
  --deadline MS   the tool's deadline (default 1500)
  --json          the measurements as JSON
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: "string", multiple: true },
        settle: { type: "string", default: "5000" },
        deadline: { type: "string", default: "1500" },
        json: { type: "boolean", default: false },
      },
    });
    const options = { settleMs: Number(values.settle), deadlineMs: Number(values.deadline) };
    if (!(options.settleMs >= 0 && options.deadlineMs > 0)) {
      throw new UsageError("--settle and --deadline take milliseconds");
    }
    const chosen = chooseMeans(values.only);
    if (findPython() === null) {
      console.log(`semaphores: skipped, because ${pythonMissing}`);
      return 0;
    }
    const { rows, skipped } = await measureAll(chosen, options);
    console.log(values.json ? JSON.stringify({ rows, skipped }, null, 1) : describe(rows, skipped));
    return rows.every(({ found }) => found.made !== null && found.leftByExperiment === 0) ? 0 : 1;
  },
};

function chooseMeans(names: readonly string[] | undefined): readonly Means[] {
  if (names === undefined) return allMeans;
  return names.map((name) => {
    const found = allMeans.find((means) => means.name === name);
    if (found === undefined) throw new UsageError(`no means ${name}`);
    return found;
  });
}

async function measureAll(
  chosen: readonly Means[],
  options: MeasureOptions,
): Promise<{ rows: Row[]; skipped: Skipped[] }> {
  const skipped: Skipped[] = [];
  const present: Means[] = [];
  for (const means of chosen) {
    const because = await means.available();
    if (because === null) present.push(means);
    else skipped.push({ title: means.title, because });
  }
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
  return { rows, skipped };
}

function describe(rows: readonly Row[], skipped: readonly Skipped[]): string {
  const table = formatTable(
    ["how it ends", "by", "version", "/dev/shm", "System V", "processes", "tracker warns of"],
    rows.map(({ end, title, version, found }) => [end, title, version, ...describeCells(found)]),
  );
  const missing = skipped.map(({ title, because }) => `${title}: skipped, because ${because}`);
  const left = rows.reduce((sum, { found }) => sum + found.leftByExperiment, 0);
  return [table, ...missing, `left by this experiment itself: ${left}`].join("\n");
}

function describeCells({ made, left, processes, warned, stderr }: Measurement): string[] {
  if (made === null) {
    return [`invalid: the tool did not run ${stderr.trim().split("\n").at(-1) ?? ""}`];
  }
  return [
    `${left.sharedMemory} of ${made.sharedMemory}`,
    made.sysv === 0 ? "not made" : `${left.sysv} of ${made.sysv}`,
    String(processes),
    String(warned),
  ];
}
