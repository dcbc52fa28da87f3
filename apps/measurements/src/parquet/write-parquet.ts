import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { chunkAt, encodeRepeated, encodeVaried } from "./column-chunks.ts";
import type { Column, ColumnKind } from "./columns.ts";

/** About a file of a measurement: most need no more room. */
const initialBytes = 16_384;

const types: Readonly<Record<ColumnKind, Omit<SchemaElement, "name">>> = {
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
   * by which readers skip what they need not read. The others have few values, most often one.
   */
  readonly varied?: ReadonlySet<string>;
}

/** A Parquet file with these columns, all of the same length, in one row group. */
export function writeParquet(
  columns: readonly Column[],
  options: WriteParquetOptions = {},
): Buffer {
  const rows = columns[0]?.values.length ?? 0;
  const parts = columns.map((column) => ({ column, element: elementOf(column) }));
  const writer = new ByteWriter(initialBytes);
  const file = new ParquetWriter({
    writer,
    schema: [
      { name: "root", num_children: columns.length },
      ...parts.map(({ element }) => element),
    ],
  });
  const start = writer.offset;
  let uncompressedBytes = 0n;
  const chunks = parts.map(({ column, element }) => {
    const isVaried = options.varied?.has(column.name) ?? true;
    const { bytes, chunk } = isVaried
      ? encodeVaried(column, element)
      : encodeRepeated(column, element);
    const offset = writer.offset;
    writer.appendBytes(bytes);
    uncompressedBytes += chunk.meta_data?.total_uncompressed_size ?? 0n;
    return chunkAt(chunk, offset);
  });
  file.num_rows = BigInt(rows);
  file.row_groups.push({
    columns: chunks,
    total_byte_size: uncompressedBytes,
    num_rows: BigInt(rows),
    total_compressed_size: BigInt(writer.offset - start),
  });
  void file.finish(); // it is all in memory
  return Buffer.from(writer.getBuffer());
}

function elementOf({ name, kind }: Column): SchemaElement {
  return { name, repetition_type: "OPTIONAL", ...types[kind] };
}
