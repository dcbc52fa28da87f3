import type { ColumnKind, FileColumn } from "./columns.ts";
import { encodings, type Chunk } from "./pages.ts";
import { thriftTypes, type ThriftWriter } from "./thrift.ts";

/** Numbers of the format. https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift */
const physicalTypes: Readonly<Record<ColumnKind, number>> = {
  boolean: 0,
  int64: 2,
  timestamp: 2,
  float64: 5,
  string: 6,
};
const optional = 1;
const convertedTypes: Readonly<Partial<Record<ColumnKind, number>>> = { string: 0, timestamp: 10 };
const formatVersion = 2;
const root = Buffer.from("root");
const creator = Buffer.from("cofferdam");

/** Names come again with each file. */
const names = new Map<string, Buffer>();
const namesMost = 4096;

/** What a file ends with: its columns, where they lie, and what bounds their values. */
export function writeFooter(writer: ThriftWriter, chunks: readonly Chunk[], rows: number): void {
  const start = writer.length;
  writer.struct();
  writer.i32(1, formatVersion);
  writer.list(2, thriftTypes.struct, chunks.length + 1);
  writer.struct();
  writer.binary(4, root);
  writer.i32(5, chunks.length);
  writer.end();
  for (const { column } of chunks) writeSchemaElement(writer, column);
  writer.i64(3, rows);
  writer.list(4, thriftTypes.struct, 1);
  writeRowGroup(writer, chunks, rows);
  writer.binary(6, creator);
  // The order of bounds is that of each column's type.
  writer.list(7, thriftTypes.struct, chunks.length);
  chunks.forEach(() => {
    writer.struct();
    writer.struct(1);
    writer.end();
    writer.end();
  });
  writer.end();
  writer.uint32(writer.length - start);
}

function writeSchemaElement(writer: ThriftWriter, { name, kind }: FileColumn): void {
  writer.struct();
  writer.i32(1, physicalTypes[kind]);
  writer.i32(3, optional);
  writer.binary(4, nameBytes(name));
  const converted = convertedTypes[kind];
  if (converted !== undefined) {
    writer.i32(6, converted);
    writer.struct(10);
    if (kind === "string") {
      writer.struct(1);
      writer.end();
    } else writeTimestampType(writer);
    writer.end();
  }
  writer.end();
}

/** Microseconds, in UTC. */
function writeTimestampType(writer: ThriftWriter): void {
  writer.struct(8);
  writer.true(1);
  writer.struct(2);
  writer.struct(2);
  writer.end();
  writer.end();
  writer.end();
}

function writeRowGroup(writer: ThriftWriter, chunks: readonly Chunk[], rows: number): void {
  let uncompressedBytes = 0;
  let sizeBytes = 0;
  writer.struct();
  writer.list(1, thriftTypes.struct, chunks.length);
  for (const chunk of chunks) {
    uncompressedBytes += chunk.uncompressedBytes;
    sizeBytes += chunk.sizeBytes;
    writeChunk(writer, chunk, rows);
  }
  writer.i64(2, uncompressedBytes);
  writer.i64(3, rows);
  writer.i64(6, sizeBytes);
  writer.end();
}

function writeChunk(writer: ThriftWriter, chunk: Chunk, rows: number): void {
  const { column, dictionaryAt, dataAt, statistics } = chunk;
  writer.struct();
  writer.i64(2, dictionaryAt ?? dataAt);
  writer.struct(3);
  writer.i32(1, physicalTypes[column.kind]);
  writeEncodings(writer, dictionaryAt !== null);
  writer.list(3, thriftTypes.binary, 1);
  writer.element(nameBytes(column.name));
  writer.i32(4, chunk.codec);
  writer.i64(5, rows);
  writer.i64(6, chunk.uncompressedBytes);
  writer.i64(7, chunk.sizeBytes);
  writer.i64(9, dataAt);
  if (dictionaryAt !== null) writer.i64(11, dictionaryAt);
  if (statistics) {
    writer.struct(12);
    writer.i64(3, statistics.nulls);
    if (statistics.bounds) {
      writer.binary(5, statistics.bounds.greatest);
      writer.binary(6, statistics.bounds.least);
    }
    writer.end();
  }
  writer.end();
  writer.end();
}

function writeEncodings(writer: ThriftWriter, hasDictionary: boolean): void {
  const all = [encodings.plain, encodings.rle, ...(hasDictionary ? [encodings.dictionary] : [])];
  writer.list(2, thriftTypes.i32, all.length);
  for (const encoding of all) writer.varint(encoding * 2);
}

function nameBytes(name: string): Buffer {
  let bytes = names.get(name);
  if (bytes === undefined) {
    if (names.size >= namesMost) names.clear();
    bytes = Buffer.from(name);
    names.set(name, bytes);
  }
  return bytes;
}
