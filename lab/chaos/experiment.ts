import { parseArgs } from "node:util";
import { type Experiment, UsageError } from "../experiment.ts";
import { wholeNumber } from "../options.ts";
import { chaos, type ChaosResult, type Round } from "./chaos.ts";
import { formatResult, formatRound } from "./report.ts";
import type { Subject } from "./subject.ts";
import { documentsSubject, templateSubject } from "./subjects.ts";
import { VICTIM_KINDS, type VictimKind } from "./victims.ts";

export const chaosExperiment: Experiment = {
  summary: "SIGKILL at random moments: of the command, its keeper, an init, a worker",
  usage: `npm run lab chaos -- [--victim KIND] [--times N] [--seed N] [--in DIR] [--json] [-- COMMAND…]

Runs \`cofferdam documents\` over a folder of PDFs, kills a part of it at a random moment, and checks
by the census that within two seconds nothing is left of what the kill condemns, that no unfinished
file can be seen, and that the run (or, if the command was killed, the next one) completes the set.

  --victim KIND   command, keeper, both (command and keeper), init, worker, or all
                  (default command)
  --times N       rounds for each victim (default 20)
  --seed N        of the random numbers (default: from the clock, and printed)
  --first N       number of the first round, to repeat one (default 1)
  --in DIR        the PDFs
  --suffix .EXT   what a finished file ends in (default .md)
  --bail          stop at the first violation
  --json          the rounds as JSON
  COMMAND…        another command than documents; {out} stands for its folder
`,
  run: async (args) => {
    const options = readOptions(args);
    console.error(`seed ${options.seed}`);
    const results: ChaosResult[] = [];
    for (const victim of options.victims) {
      const result = await chaos({
        ...options,
        victim,
        onRound: (round) => console.error(`${victim}, ${formatRound(round)}`),
      });
      results.push(result);
    }
    const text = options.json
      ? JSON.stringify(results, null, 1)
      : results.map(formatResult).join("\n\n");
    console.log(text);
    return results.every(isSound) ? 0 : 1;
  },
};

/** No violation, and at least one kill that hit. */
function isSound({ rounds, undisturbedLeft }: ChaosResult): boolean {
  return (
    undisturbedLeft === 0 &&
    rounds.every((round) => round.violations.length === 0) &&
    rounds.some((round) => round.struckAtMs !== null)
  );
}

interface Options {
  readonly subject: Subject;
  readonly victims: readonly VictimKind[];
  readonly times: number;
  readonly seed: number;
  readonly first: number;
  readonly bail: (round: Round) => boolean;
  readonly json: boolean;
}

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      victim: { type: "string", default: "command" },
      times: { type: "string", default: "20" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      first: { type: "string", default: "1" },
      in: { type: "string" },
      suffix: { type: "string", default: ".md" },
      bail: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const victims = VICTIM_KINDS.filter((kind) => [kind, "all"].includes(values.victim));
  if (victims.length === 0) throw new UsageError(`no victim ${values.victim}`);
  return {
    subject: chooseSubject(positionals, values.in, values.suffix),
    victims,
    times: wholeNumber("--times", values.times),
    seed: wholeNumber("--seed", values.seed),
    first: wholeNumber("--first", values.first),
    bail: (round) => values.bail && round.violations.length > 0,
    json: values.json,
  };
}

function chooseSubject(
  words: readonly string[],
  input: string | undefined,
  suffix: string,
): Subject {
  if (words.length > 0) return templateSubject(words, suffix);
  if (input === undefined)
    throw new UsageError("--in DIR (a folder of PDFs) or a command is needed");
  return documentsSubject(input);
}
