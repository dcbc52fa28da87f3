import { parquetMetadata, parquetRead, type SchemaElement } from "hyparquet";
import type { Column, ColumnKind } from "./columns.ts";

/** Keeps microseconds, which a `Date` would lose. */
const parsers = { timestampFromMicroseconds: (micros: bigint) => micros };

/** All columns of a small Parquet file. Rejects for bytes that are none. */
export async function readParquet(bytes: Buffer): Promise<Column[]> {
  const buffer = bytes.buffer.slice(
    bytes.byteOffset,
    bytes.byteOffset + bytes.length,
  ) as ArrayBuffer;
  const file = {
    byteLength: buffer.byteLength,
    slice: (start: number, end?: number): ArrayBuffer => buffer.slice(start, end),
  };
  const metadata = parquetMetadata(buffer);
  const parts = new Map<string, Column["values"][]>();
  await parquetRead({
    file,
    metadata,
    parsers,
    onChunk: ({ columnName, columnData }) => {
      const found = parts.get(columnName);
      if (found) found.push(columnData);
      else parts.set(columnName, [columnData]);
    },
  });
  return metadata.schema.slice(1).map((element) => ({
    name: element.name,
    kind: kindOf(element),
    values: join(parts.get(element.name) ?? []),
  }));
}

function join(parts: readonly Column["values"][]): Column["values"] {
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  return parts.flatMap((part) => Array.from(part));
}

function kindOf({ name, type, logical_type, converted_type }: SchemaElement): ColumnKind {
  if (logical_type?.type === "TIMESTAMP" || converted_type === "TIMESTAMP_MICROS")
    return "timestamp";
  switch (type) {
    case "DOUBLE":
    case "FLOAT":
      return "float64";
    case "INT64":
      return "int64";
    case "BOOLEAN":
      return "boolean";
    case "BYTE_ARRAY":
      return "string";
    default:
      throw new TypeError(
        `the column ${name} is of a type that is not written here (${type ?? "a group"})`,
      );
  }
}
