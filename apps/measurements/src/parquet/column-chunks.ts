import type { ColumnChunk, SchemaElement } from "hyparquet";
import { ByteWriter } from "hyparquet-writer";
import { writeColumn } from "hyparquet-writer/src/column.js";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import type { Column } from "./columns.ts";

/** The bytes of a column in a file, and what the file's end says of them. Offsets from its start. */
export interface EncodedColumn {
  readonly bytes: Uint8Array;
  readonly chunk: ColumnChunk;
}

const root: SchemaElement = { name: "root" };
const compressors = { SNAPPY: snappyCompress };
/** Each is some hundred bytes. */
const keptMost = 4096;

/**
 * Encoded columns of one value. Most of a measurement's columns say the same in each row, and the
 * same as those of many other files: so each is encoded once for as many rows and then copied.
 */
const kept = new Map<string, EncodedColumn>();

/** A column that differs from row to row. */
export function encodeVaried(column: Column, element: SchemaElement): EncodedColumn {
  return encode(column, element, true);
}

/** A column of few different values, most often of one alone. */
export function encodeRepeated(column: Column, element: SchemaElement): EncodedColumn {
  const { name, kind, values } = column;
  const value = values[0];
  for (let row = 1; row < values.length; row++)
    if (values[row] !== value) return encode(column, element, false);
  const key = [name, kind, values.length, typeof value, String(value)].join("\n");
  const found = kept.get(key);
  if (found) return found;
  const encoded = encode(column, element, false);
  if (kept.size >= keptMost) kept.clear();
  kept.set(key, encoded);
  return encoded;
}

function encode(
  { name, kind, values }: Column,
  element: SchemaElement,
  isVaried: boolean,
): EncodedColumn {
  const writer = new ByteWriter();
  const encoding = isVaried ? ("PLAIN" as const) : ("RLE_DICTIONARY" as const);
  const { chunk } = writeColumn({
    writer,
    column: {
      columnName: name,
      element,
      schemaPath: [root, element],
      // A page of one value is small already.
      codec: isVaried ? "SNAPPY" : "UNCOMPRESSED",
      compressors,
      stats: isVaried,
      pageSize: 0,
      columnIndex: false,
      offsetIndex: false,
      ...(kind === "boolean" ? {} : { encoding }),
    },
    pageData: {
      values: values as unknown[],
      definitionLevels: Array.from(values, (value) => (value === null ? 0 : 1)),
      repetitionLevels: [],
      maxDefinitionLevel: 1,
    },
  });
  return { bytes: writer.getBytes(), chunk };
}

/** What the file's end says of a column that begins at an offset. */
export function chunkAt({ file_offset, meta_data }: ColumnChunk, offset: number): ColumnChunk {
  const base = BigInt(offset);
  return {
    file_offset: file_offset + base,
    ...(meta_data && {
      meta_data: {
        ...meta_data,
        data_page_offset: meta_data.data_page_offset + base,
        ...(meta_data.dictionary_page_offset === undefined
          ? {}
          : { dictionary_page_offset: meta_data.dictionary_page_offset + base }),
      },
    }),
  };
}
