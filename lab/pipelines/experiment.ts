import { parseArgs } from "node:util";
import { type Experiment, UsageError } from "../experiment.ts";
import { killAndResume, type ResumeResult } from "./resume.ts";

export const pipelines: Experiment = {
  summary: "SIGKILL to runs of a pipeline at random moments, and the next goes on",
  usage: `npm run lab pipelines -- [--kills N] [--items N] [--seed N] [--json]

Runs a pipeline of three stages (a command that writes its output in two halves, a module, one that
gathers all), kills the run at a random moment, and runs it again, until all is done; then the same
with a fresh one. After each kill it checks that nothing is left running, that every output at its
place is whole, that the counts add up, and that nothing was begun again that had been recorded.

  --kills N   (default 300)
  --items N   inputs of each pipeline (default 40)
  --seed N    of the random numbers (default: from the clock, and printed)
  --json      the kills as JSON
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        kills: { type: "string", default: "300" },
        items: { type: "string", default: "40" },
        seed: { type: "string", default: String(Date.now() % 1_000_000) },
        json: { type: "boolean", default: false },
      },
    });
    console.error(`seed ${values.seed}`);
    const result = await killAndResume({
      kills: wholeNumber("--kills", values.kills),
      items: wholeNumber("--items", values.items),
      seed: wholeNumber("--seed", values.seed),
      onKill: ({ number, atMs, done, violations }) =>
        console.error(`kill ${number} after ${atMs} ms: ${done} done; ${violations.join("; ")}`),
    });
    console.log(values.json ? JSON.stringify(result, null, 1) : format(result));
    return result.violations.length === 0 && result.kills.length > 0 ? 0 : 1;
  },
};

export function format({ kills, completed, expectedMs, violations }: ResumeResult): string {
  const midway = kills.filter(({ done }) => done > 0).length;
  return [
    `an undisturbed run takes ${Math.round(expectedMs)} ms`,
    `${kills.length} runs killed, ${midway} of them with some items done; ${completed} pipelines brought to their end`,
    `violations: ${violations.length}`,
    ...violations.map((violation) => `  ${violation}`),
  ].join("\n");
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new UsageError(`${option} takes a whole number above 0, not ${text}`);
  return value;
}
