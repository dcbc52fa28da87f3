import { parseArgs } from "node:util";
import { type Experiment, UsageError } from "../experiment.ts";
import { wholeNumber } from "../options.ts";
import { TIERS, type Tier, type Victim, VICTIMS } from "./plan.ts";
import { programsMissing } from "./programs.ts";
import { formatProgress, formatStorms, isSound } from "./report.ts";
import { storm, type StormResult, TierUnavailable } from "./storm.ts";

const PROGRESS_EVERY = 50;

export const kills: Experiment = {
  summary: "thousands of SIGKILLs on small runtimes, under each containment",
  usage: `npm run chaos -- [--times N] [--tier TIER]… [--victim KIND]… [--seed N] [--json]

Kills a part of small runtimes at random moments. Each runtime has two hostile tasks at a time: with
descendants in sessions of their own, double-forked, TERM-proof; with semaphores, shared memory and
queues. After each kill the census counts: under \`namespace\` nothing may be left at once, else
nothing after the next start.

  --times N       rounds in all, shared by the tiers (default 5000)
  --tier TIER     ${TIERS.join(", ")}; may be given again (default: all that can be had)
  --victim KIND   ${VICTIMS.join(", ")} (Node and keeper together); may be given again
                  (default: all that the tier has)
  --seed N        of the random numbers (default: from the clock, and printed)
  --first N       number of the first round, to repeat one (default 1)
  --within MS     how long what a kill condemns may still be seen (default 10000)
  --json          the rounds as JSON
`,
  run: async (args) => {
    const options = readOptions(args);
    const missing = programsMissing();
    if (missing !== null) {
      console.log(`kills: skipped, because ${missing}`);
      return 0;
    }
    const storms: StormResult[] = [];
    for (const [index, tier] of options.tiers.entries()) {
      const times = shareOf(options.times, options.tiers.length, index);
      console.error(`${tier}, seed ${options.seed}`);
      try {
        storms.push(await storm({ ...options, tier, times, onRound: progress(tier, times) }));
      } catch (error) {
        if (!(error instanceof TierUnavailable) || options.insists) throw error;
        console.error(`${tier}: skipped, because it cannot be had here`);
      }
    }
    console.log(options.json ? JSON.stringify(storms, null, 1) : formatStorms(storms));
    return storms.every(isSound) ? 0 : 1;
  },
};

function progress(tier: Tier, times: number): (played: StormResult["rounds"][number]) => void {
  let done = 0;
  let violated = 0;
  return ({ violation, number }) => {
    done++;
    if (violation !== null) violated++;
    if (violation !== null) console.error(`${tier}, round ${number}: ${violation}`);
    if (done % PROGRESS_EVERY === 0 || done === times)
      console.error(formatProgress(tier, done, times, violated));
  };
}

/** Whole numbers that add up to all of it. */
function shareOf(times: number, parts: number, index: number): number {
  return Math.floor(times / parts) + (index < times % parts ? 1 : 0);
}

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      times: { type: "string", default: "5000" },
      tier: { type: "string", multiple: true },
      victim: { type: "string", multiple: true },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      first: { type: "string", default: "1" },
      within: { type: "string", default: "10000" },
      json: { type: "boolean", default: false },
    },
  });
  return {
    tiers: choose("--tier", TIERS, values.tier),
    /** Without the tiers that were asked for there is nothing to play. */
    insists: values.tier !== undefined,
    victims: choose<Victim>("--victim", VICTIMS, values.victim),
    times: wholeNumber("--times", values.times),
    seed: wholeNumber("--seed", values.seed),
    first: wholeNumber("--first", values.first),
    goneWithinMs: wholeNumber("--within", values.within),
    json: values.json,
  };
}

function choose<Name extends string>(
  option: string,
  known: readonly Name[],
  asked: readonly string[] | undefined,
): readonly Name[] {
  const unknown = asked?.find((name) => !known.some((other) => other === name));
  if (unknown !== undefined)
    throw new UsageError(`${option} takes ${known.join(", ")}, not ${unknown}`);
  return known.filter((name) => asked === undefined || asked.includes(name));
}
