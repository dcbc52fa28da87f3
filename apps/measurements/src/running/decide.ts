import { existsSync } from "node:fs";
import { hashOf, sameStamp, stampInput } from "./inputs.ts";
import type { StateRow } from "./run-state.ts";

/** Why an input is worked on. */
export type Reason =
  "new" | "content changed" | "settings changed" | "output missing" | "forced" | "failed last time";

export type Decision =
  | { readonly work: true; readonly reason: Reason }
  /** `run`: done by the run that is taken up again; `unchanged`: nothing has changed since. */
  | { readonly work: false; readonly because: "run" | "unchanged" };

export interface DecideOptions {
  readonly recipe: string;
  readonly run: number;
  readonly force: boolean;
}

/**
 * Whether an input must be worked on, by what is recorded of it. The stamp is looked at first; only
 * where it differs is the content read.
 */
export function decide<Result>(
  row: StateRow<Result> | undefined,
  source: string,
  outputs: readonly string[],
  { recipe, run, force }: DecideOptions,
): Decision {
  if (row === undefined) return { work: true, reason: "new" };
  const isOfThisRun = row.run === run;
  if (force && !isOfThisRun) return { work: true, reason: "forced" };
  if (row.recipe !== recipe) return { work: true, reason: "settings changed" };
  if (row.stamp === null || row.hash === null) return { work: true, reason: "failed last time" };
  if (!outputs.every((path) => existsSync(path))) return { work: true, reason: "output missing" };
  if (!isUnchanged(row, source)) return { work: true, reason: "content changed" };
  return { work: false, because: isOfThisRun ? "run" : "unchanged" };
}

function isUnchanged<Result>({ stamp, hash }: StateRow<Result>, source: string): boolean {
  try {
    if (stamp !== null && sameStamp(stamp, stampInput(source))) return true;
    return hashOf(source) === hash;
  } catch {
    return false; // the work itself says what is wrong with it
  }
}
