import { errorMessage } from "../errors/index.ts";
import { runsDirectory } from "../keeper/run-directory.ts";
import type { Check } from "./check.ts";
import { examineLimits } from "./limits.ts";
import { examineMachine } from "./machine.ts";
import { examineContainment, type Verdict } from "./mechanisms.ts";
import { sweepRuns } from "./runs.ts";

/** What a run gets here, and everything that was looked at. */
export interface Examination {
  readonly containment: Verdict;
  readonly checks: readonly Check[];
}

/** A run's socket for workers is `BASE/xxxxxxxx/s`, and a socket's path has at most 107 bytes. */
const longestBase = 107 - "/12345678/s".length;

/**
 * Looks at all that containment and long runs need, by trying or by reading it. Changes nothing, and
 * does not reject: what cannot be found out is a check that says so.
 */
export async function examine(): Promise<Examination> {
  const { verdict, checks } = await examineContainment();
  const isolated = verdict.tree === "namespace";
  return {
    containment: verdict,
    checks: [
      ...checks,
      ...examineMachine(isolated),
      ...examineLimits(isolated),
      examineFolder(),
      await examineRuns(),
    ],
  };
}

function examineFolder(): Check {
  const base = runsDirectory();
  const isLong = Buffer.byteLength(base) > longestBase;
  return {
    section: "runs",
    name: "folder",
    state: isLong ? "failed" : "ok",
    detail: base,
    values: { path: base },
    advice: isLong
      ? [
          {
            text: "Pools cannot start here: the path is too long for a socket. Set a shorter TMPDIR.",
          },
        ]
      : [],
  };
}

async function examineRuns(): Promise<Check> {
  const check = { section: "runs", name: "earlier-runs" } as const;
  try {
    const { runs, problems } = await sweepRuns({ dryRun: true });
    const count = (state: string): number => runs.filter((run) => run.state === state).length;
    const live = count("live");
    const dead = runs.length - live - count("unknown");
    const unjudged = count("unknown") > 0 ? `, ${count("unknown")} not judged` : "";
    return {
      ...check,
      state: dead > 0 || problems.length > 0 ? "weak" : "ok",
      detail: `${live} live, ${dead} dead${unjudged}`,
      values: { live, dead, unknown: count("unknown") },
      advice: [
        ...problems.map((text) => ({ text })),
        ...(dead > 0
          ? [{ text: "The next start removes those of its kind. To remove all now:" }]
          : []),
        ...(dead > 0 ? [{ copy: "npx cofferdam sweep" }] : []),
      ],
    };
  } catch (error) {
    return { ...check, state: "failed", detail: errorMessage(error), advice: [] };
  }
}
