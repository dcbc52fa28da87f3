import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import { CofferdamError, errorMessage } from "cofferdam";
import { writeTable, type TableColumn, type TableKind } from "../parquet/write-table.ts";
import type { Summary, SummaryRow } from "./summary.ts";
import { summaryText } from "./text.ts";

const formats = [".json", ".parquet", ".txt"];

/** Rejects with `INVALID_ARGUMENT` for a file that a summary could not be written to. */
export function checkSummaryPath(file: string): void {
  if (!formats.includes(extname(file)))
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the summary ${file}: its name must end in ${formats.join(", ")}`,
    );
  try {
    accessSync(dirname(resolve(file)), constants.W_OK);
  } catch (error) {
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the summary cannot be written to ${file}: ${errorMessage(error)}`,
    );
  }
}

/** Throws `OUTPUT`. */
export function writeSummary(file: string, summary: Summary): void {
  try {
    writeFileSync(file, contentFor(extname(file), summary));
  } catch (error) {
    throw new CofferdamError(
      "OUTPUT",
      `the summary could not be written to ${file}: ${errorMessage(error)}; the work itself is done`,
      { cause: error },
    );
  }
}

function contentFor(format: string, summary: Summary): string | Buffer {
  if (format === ".json") return `${JSON.stringify(summary, null, 2)}\n`;
  if (format === ".txt") return summaryText(summary);
  return summaryParquet(summary.stages);
}

const columns: Readonly<Record<Exclude<keyof SummaryRow, "rejections" | "reasons">, TableKind>> = {
  stage: "string",
  total: "int64",
  ok: "int64",
  skipped: "int64",
  rejected: "int64",
  pending: "int64",
  produced: "int64",
  seconds: "float64",
  perSecond: "float64",
  gapSeconds: "float64",
  processesStarted: "int64",
  processesLeft: "int64",
  verified: "boolean",
  peakMemoryBytes: "int64",
};

/** One row a stage; the two tables of counts as JSON text. */
function summaryParquet(rows: readonly SummaryRow[]): Buffer {
  const plain = Object.entries(columns).map(([name, kind]): TableColumn => {
    const values = rows.map((row) => row[name as keyof typeof columns]);
    const wide = kind === "int64" ? values.map((value) => BigInt(Number(value))) : values;
    return { name, kind, values: wide };
  });
  const texts = (["rejections", "reasons"] as const).map((name): TableColumn => ({
    name,
    kind: "string",
    values: rows.map((row) => JSON.stringify(row[name])),
  }));
  return writeTable([...plain, ...texts]);
}
