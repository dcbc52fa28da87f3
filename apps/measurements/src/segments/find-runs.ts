import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CofferdamError } from "cofferdam";
import { parquetMetadata } from "hyparquet";
import { partName } from "../stage/events.ts";
import { headerColumnNames } from "../stage/measurement.ts";

/** The staged runs of a procedure, sorted. Rejects with `INVALID_ARGUMENT` where there are none. */
export function findRuns(stage: string, procedure: string): string[] {
  const folder = join(stage, `proc=${procedure}`);
  const runs = partitions(folder, "date=").flatMap((date) =>
    partitions(date, "run_id=")
      .map((run) => join(run, partName))
      .filter((path) => existsSync(path)),
  );
  if (runs.length > 0) return runs;
  const others = partitions(stage, "proc=").map((path) => path.slice(path.indexOf("proc=") + 5));
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `nothing of the procedure ${JSON.stringify(procedure)} is staged in ${stage}; there are ${others.join(", ")}`,
  );
}

function partitions(folder: string, prefix: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .sort()
    .map((name) => join(folder, name));
}

const sampleSize = 8;

/**
 * Rejects with `INVALID_ARGUMENT` where none of some runs, spread over all, has a column: the name is
 * then wrong, and not the runs.
 */
export function checkColumn(runs: readonly string[], name: string): void {
  const every = Math.max(1, Math.floor(runs.length / sampleSize));
  let columns: string[] = [];
  for (let index = 0; index < runs.length; index += every) {
    const found = columnsOf(runs[index] ?? "");
    if (found.includes(name)) return;
    columns = found.length > 0 ? found : columns;
  }
  if (columns.length === 0) return; // nothing can be read: the runs say so themselves
  const own = columns.filter((column) => !headerColumnNames.includes(column));
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `the runs have no column ${JSON.stringify(name)}; they have ${own.join(", ")}`,
  );
}

function columnsOf(path: string): string[] {
  try {
    const bytes = readFileSync(path);
    const copy = new Uint8Array(bytes);
    return parquetMetadata(copy.buffer)
      .schema.slice(1)
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
