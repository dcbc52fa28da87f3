import { parquetWriteBuffer, type ColumnSource } from "hyparquet-writer";
import type { Column, ColumnKind } from "./columns.ts";

export type TableKind = Exclude<ColumnKind, "timestamp">;

export interface TableColumn extends Column {
  readonly kind: TableKind;
}

const types: Readonly<Record<TableKind, NonNullable<ColumnSource["type"]>>> = {
  float64: "DOUBLE",
  int64: "INT64",
  string: "STRING",
  boolean: "BOOLEAN",
};

/** A Parquet file of any size with these columns. */
export function writeTable(columns: readonly TableColumn[]): Buffer {
  const columnData = columns.map(({ name, kind, values }): ColumnSource => {
    return { name, type: types[kind], data: Array.from(values) };
  });
  return Buffer.from(parquetWriteBuffer({ columnData }));
}
