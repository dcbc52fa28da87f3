/**
 * Workers of a pool are killed at random for as long as asked, under load. Every task must settle
 * exactly once, with the right result, and the census must find nothing.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { COOKIE_VARIABLE, formatComparison, openCensus, runFolder } from "../census/index.ts";
import type { Experiment } from "../experiment.ts";
import { CLEANUP_DEADLINE_MS } from "../kill.ts";
import { wholeNumber } from "../options.ts";
import { storm, type StormResult } from "./storm.ts";

export const stormExperiment: Experiment = {
  summary: "workers of a pool are killed at random under load; each task settles once, and right",
  usage: `npm run lab storm -- [--minutes N] [--workers N] [--json]

  --minutes  how long (default 10)
  --workers  how many workers (default 4)
  --json     the counts as JSON
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: "string", default: "10" },
        workers: { type: "string", default: "4" },
        json: { type: "boolean", default: false },
      },
    });
    const ms = wholeNumber("--minutes", values.minutes) * 60_000;
    const workers = wholeNumber("--workers", values.workers);
    const folder = mkdtempSync(join(tmpdir(), "storm-"));
    process.env["TMPDIR"] = folder; // so that nobody else's runs are counted
    const census = openCensus({ scratch: [runFolder(folder)] });
    process.env[COOKIE_VARIABLE] = census.cookie;
    try {
      const result = await storm({ ms, workers });
      const found = await census.waitUntilEmpty(CLEANUP_DEADLINE_MS);
      const left = found.count;
      const held = result.settled === result.tasks && result.right === result.tasks && left === 0;
      console.log(values.json ? JSON.stringify({ ...result, left, held }) : describe(result, left));
      if (left > 0) console.error(formatComparison(found));
      return held ? 0 : 1;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function describe(result: StormResult, left: number): string {
  const { kills, tasks, settled, right, wrong, failed, firstFailure, started } = result;
  const line =
    `${kills} workers killed · ${tasks} tasks, ${settled} settled, ${right} right, ${wrong} wrong, ` +
    `${failed} failed · ${started} processes started, the census finds ${left} left`;
  return firstFailure === null ? line : `${line}\nended by the first failure: ${firstFailure}`;
}
