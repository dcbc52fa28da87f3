import type { Fault } from "./faults.ts";

/** What must become of one generated file. */
export type ExpectedFile = {
  /** Below the raw root. */
  readonly file: string;
  readonly procedure: string;
  /** What is wrong with it; null for an ideal file. */
  readonly fault: Fault | null;
} & (ExpectedRejection | ExpectedStaging);

export interface ExpectedRejection {
  readonly becomes: "rejected";
  readonly code: string;
}

export interface ExpectedStaging {
  readonly becomes: "staged";
  readonly rows: number;
  /** Local date of its partition. */
  readonly date: string;
  readonly dateOrigin: "meta" | "path";
  /** Sweeps only: how many segments, or the code with which the run is refused. */
  readonly segments?: number | string;
}

/** The list that `generate` writes beside the files. */
export interface ExpectedLoad {
  readonly seed: number;
  readonly totals: {
    readonly files: number;
    readonly rejected: number;
    readonly staged: number;
    readonly rows: number;
    readonly runs: number;
    readonly runsRefused: number;
    readonly segments: number;
  };
  readonly byProcedure: Readonly<Record<string, number>>;
  readonly byFault: Readonly<Partial<Record<Fault, number>>>;
  readonly files: readonly ExpectedFile[];
}

export const expectedName = "expected.json";

export function summarizeExpected(seed: number, files: readonly ExpectedFile[]): ExpectedLoad {
  const totals = {
    files: files.length,
    rejected: 0,
    staged: 0,
    rows: 0,
    runs: 0,
    runsRefused: 0,
    segments: 0,
  };
  const byProcedure: Record<string, number> = {};
  const byFault: Partial<Record<Fault, number>> = {};
  for (const file of files) {
    byProcedure[file.procedure] = (byProcedure[file.procedure] ?? 0) + 1;
    if (file.fault !== null) byFault[file.fault] = (byFault[file.fault] ?? 0) + 1;
    if (file.becomes === "rejected") {
      totals.rejected++;
      continue;
    }
    totals.staged++;
    totals.rows += file.rows;
    if (file.segments === undefined) continue;
    totals.runs++;
    if (typeof file.segments === "number") totals.segments += file.segments;
    else totals.runsRefused++;
  }
  return { seed, totals, byProcedure, byFault, files };
}
