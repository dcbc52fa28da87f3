import { existsSync, readdirSync } from "node:fs";
import { errorMessage } from "../errors/index.ts";
import { refuseForeign, sweepGroupRuns, type SweptRun } from "../keeper/group/group-ledger.ts";
import { locateKeeper, missingKeeper } from "../keeper/locate.ts";
import { runsDirectory } from "../keeper/run-directory.ts";
import { askKeeper } from "./ask-keeper.ts";

/** A run's folder that was found. */
export interface FoundRun extends SweptRun {
  /** Which way of containing has made it. */
  readonly by: "keeper" | "group";
}

export interface Sweep {
  /** The folder for runs of this user and this `TMPDIR`. */
  readonly base: string;
  readonly dryRun: boolean;
  readonly runs: readonly FoundRun[];
  /** Why some runs could not be judged, for people; empty when all were. */
  readonly problems: readonly string[];
}

/**
 * Ends and removes what dead runs of this user have left; a run whose ledger is locked is alive and
 * never touched. A dry run only looks. Rejects with `KEEPER_START` where the folder for runs belongs
 * to somebody else or is open to others.
 */
export async function sweepRuns(options: {
  readonly dryRun: boolean;
  readonly signal?: AbortSignal;
}): Promise<Sweep> {
  const { dryRun } = options;
  const base = runsDirectory();
  if (existsSync(base)) refuseForeign(base);
  const { runs, problems } = await sweepKeeperRuns(base, options);
  const ofGroups = existsSync(base) ? await sweepGroupRuns(base, { dryRun }) : [];
  return {
    base,
    dryRun,
    runs: [...runs, ...ofGroups.map((run) => ({ ...run, by: "group" as const }))],
    problems,
  };
}

async function sweepKeeperRuns(
  base: string,
  options: { readonly dryRun: boolean; readonly signal?: AbortSignal },
): Promise<{ runs: FoundRun[]; problems: string[] }> {
  const hasRuns = listKeeperRuns(base).length > 0;
  if (!hasRuns && options.dryRun) return { runs: [], problems: [] };
  try {
    const binary = process.platform === "linux" ? locateKeeper() : null;
    // Where no run is there may still be the cgroup of a doctor that was killed.
    if (binary === null && !hasRuns) return { runs: [], problems: [] };
    if (binary === null)
      return unknown(base, process.platform === "linux" ? missingKeeper() : "no keeper here");
    const args = ["--sweep", base, ...(options.dryRun ? ["--dry-run"] : [])];
    const { code, lines } = await askKeeper(binary, args, abortable(options.signal));
    const runs = lines.flatMap(readLine);
    const told = runs.some(({ state }) => state === "stuck");
    const silent = code === 1 && !told && !options.dryRun;
    return { runs, problems: silent ? ["the keeper could not remove all of it"] : [] };
  } catch (error) {
    return unknown(base, errorMessage(error));
  }
}

function abortable(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function unknown(base: string, why: string): { runs: FoundRun[]; problems: string[] } {
  const runs = listKeeperRuns(base).map((run) => {
    return { run, by: "keeper", state: "unknown", processes: 0, removed: false } as const;
  });
  return { runs, problems: [`runs of a keeper could not be judged: ${why}`] };
}

/** A hidden one is being made, or was cut off while it was; the keeper knows by its age. */
function listKeeperRuns(base: string): string[] {
  if (!existsSync(base)) return [];
  return readdirSync(base).filter((name) => /^\.?[0-9a-f]{8}$/.test(name));
}

const states = ["live", "dead", "stuck", "unknown"] as const;

function readLine([run, state, processes, removed]: readonly string[]): FoundRun[] {
  const known = states.find((one) => one === state);
  if (run === undefined || known === undefined) return [];
  const count = Number(processes ?? 0);
  return [{ run, by: "keeper", state: known, processes: count, removed: removed === "1" }];
}
