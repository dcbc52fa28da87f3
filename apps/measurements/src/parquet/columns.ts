/** What a column of a Parquet file holds. Timestamps are microseconds since the epoch, in UTC. */
export type ColumnKind = "float64" | "int64" | "string" | "boolean" | "timestamp";

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Numbers, bigints (`int64`, `timestamp`), strings or booleans; null for what is missing. */
  readonly values: ArrayLike<unknown> & { slice(start?: number, end?: number): Column["values"] };
}

/** A column with the same value in each row. */
export function repeat(name: string, kind: ColumnKind, value: unknown, rows: number): Column {
  return { name, kind, values: new Array<unknown>(rows).fill(value) };
}

export function sliceColumn({ name, kind, values }: Column, start: number, end: number): Column {
  return { name, kind, values: values.slice(start, end) };
}
