import type { SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { Column, ColumnKind } from "./columns.ts";

const elements: Readonly<Record<ColumnKind, Omit<SchemaElement, "name">>> = {
  float64: { type: "DOUBLE" },
  int64: { type: "INT64" },
  string: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  boolean: { type: "BOOLEAN" },
  timestamp: {
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
  },
};

export interface WriteParquetOptions {
  /**
   * Columns whose values mostly differ from row to row: they get no dictionary, but the statistics
   * by which readers skip what they need not read. The others are the same throughout.
   */
  readonly varied?: ReadonlySet<string>;
}

/** A Parquet file with these columns, all of the same length, in one row group. */
export function writeParquet(
  columns: readonly Column[],
  options: WriteParquetOptions = {},
): Buffer {
  const schema: SchemaElement[] = [
    { name: "root", num_children: columns.length },
    ...columns.map(({ name, kind }): SchemaElement => ({
      name,
      repetition_type: "OPTIONAL",
      ...elements[kind],
    })),
  ];
  const bytes = parquetWriteBuffer({
    schema,
    columnData: columns.map(({ name, kind, values }) => {
      const isVaried = options.varied?.has(name) ?? true;
      return {
        name,
        data: values as unknown[],
        statistics: isVaried,
        // A page of one value is small already.
        codec: isVaried ? ("SNAPPY" as const) : ("UNCOMPRESSED" as const),
        ...(kind === "boolean"
          ? {}
          : { encoding: isVaried ? ("PLAIN" as const) : ("RLE_DICTIONARY" as const) }),
      };
    }),
    rowGroupSize: Math.max(1, columns[0]?.values.length ?? 1),
    pageSize: 0,
  });
  return Buffer.from(bytes);
}
