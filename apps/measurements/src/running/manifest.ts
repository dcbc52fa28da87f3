import { existsSync, readFileSync } from "node:fs";
import { CofferdamError, errorMessage } from "cofferdam";
import type { Column } from "../parquet/columns.ts";
import { readParquet } from "../parquet/read-parquet.ts";
import { writeTable, type TableColumn, type TableKind } from "../parquet/write-table.ts";
import type { OutputWriter } from "./outputs.ts";

export type ManifestValue = string | bigint | null;
export type ManifestRow = Readonly<Record<string, ManifestValue>>;

/** The columns of a `manifest.parquet`, and what makes two rows the same. */
export interface ManifestForm {
  readonly columns: Readonly<Record<string, TableKind>>;
  readonly keys: readonly string[];
}

/**
 * Adds rows to a manifest; of rows that are the same by their keys the last stays. Rejects with
 * `MANIFEST_DAMAGED` for a file that is no manifest.
 */
export async function mergeManifest(
  path: string,
  rows: readonly ManifestRow[],
  form: ManifestForm,
  writer: OutputWriter,
): Promise<void> {
  const merged = new Map<string, ManifestRow>();
  const keyOf = (row: ManifestRow): string => form.keys.map((key) => row[key] ?? "").join("\n");
  for (const row of await readRows(path, form)) merged.set(keyOf(row), row);
  const before = merged.size;
  for (const row of rows) merged.set(keyOf(row), row);
  if (merged.size === before && before > 0) return;
  if (merged.size === 0) return;
  const all = [...merged.values()];
  const columns = Object.entries(form.columns).map(([name, kind]): TableColumn => ({
    name,
    kind,
    values: all.map((row) => row[name] ?? null),
  }));
  writer.write(path, writeTable(columns));
}

async function readRows(path: string, form: ManifestForm): Promise<ManifestRow[]> {
  if (!existsSync(path)) return [];
  let columns: Column[];
  try {
    columns = await readParquet(readFileSync(path));
  } catch (error) {
    throw new CofferdamError(
      "MANIFEST_DAMAGED",
      `the manifest ${path} cannot be read (${errorMessage(error)}); move it away: it is then made anew`,
      { cause: error },
    );
  }
  const found = new Map(columns.map((column) => [column.name, column.values]));
  const rows = columns[0]?.values.length ?? 0;
  return Array.from({ length: rows }, (_, index) =>
    Object.fromEntries(
      Object.keys(form.columns).map((name) => [
        name,
        (found.get(name)?.[index] ?? null) as ManifestValue,
      ]),
    ),
  );
}
