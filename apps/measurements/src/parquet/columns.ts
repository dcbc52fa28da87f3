/** What a column of a Parquet file holds. Timestamps are microseconds since the epoch, in UTC. */
export type ColumnKind = "float64" | "int64" | "string" | "boolean" | "timestamp";

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Numbers, bigints (`int64`, `timestamp`), strings or booleans; null for what is missing. */
  readonly values: Values & { slice(start?: number, end?: number): Column["values"] };
}

export type Values<Value = unknown> = ArrayLike<Value> & Iterable<Value>;

/** A column with the same value in each row. */
export interface ConstantColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly value: unknown;
}

export type FileColumn = Column | ConstantColumn;

export function constant(name: string, kind: ColumnKind, value: unknown): ConstantColumn {
  return { name, kind, value };
}

export function isConstant(column: FileColumn): column is ConstantColumn {
  return "value" in column;
}

/** The same column, as a constant one if its values are all the same. */
export function simplify(column: Column): FileColumn {
  const { name, kind, values } = column;
  const first = values[0];
  for (let row = 1; row < values.length; row++) if (values[row] !== first) return column;
  return values.length > 1 ? constant(name, kind, first) : column;
}

export function sliceColumn(column: FileColumn, start: number, end: number): FileColumn {
  if (isConstant(column)) return column;
  const { name, kind, values } = column;
  return { name, kind, values: values.slice(start, end) };
}
