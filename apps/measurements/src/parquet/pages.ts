import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import {
  isConstant,
  type Column,
  type ConstantColumn,
  type FileColumn,
  type Values,
} from "./columns.ts";
import { plainValues } from "./plain-values.ts";
import type { ThriftWriter } from "./thrift.ts";

/** Numbers of the format. https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift */
const pageTypes = { dictionary: 2, dataV2: 3 } as const;
export const encodings = { plain: 0, rle: 3, dictionary: 8 } as const;
export const codecs = { none: 0, snappy: 1 } as const;

/** The least and greatest values, as PLAIN writes them; null where there is no such value. */
export interface Statistics {
  readonly nulls: number;
  readonly bounds: { readonly least: Uint8Array; readonly greatest: Uint8Array } | null;
}

/** Where a column lies in a file, for the file's end. Offsets and sizes in bytes. */
export interface Chunk {
  readonly column: FileColumn;
  readonly codec: number;
  /** Null without a dictionary. */
  readonly dictionaryAt: number | null;
  readonly dataAt: number;
  readonly sizeBytes: number;
  readonly uncompressedBytes: number;
  readonly statistics: Statistics | null;
}

/** Writes the pages of a column. */
export function writePages(writer: ThriftWriter, column: FileColumn, rows: number): Chunk {
  return isConstant(column)
    ? writeConstant(writer, column, rows)
    : writeVaried(writer, column, rows);
}

/** One value in a dictionary and rows that all point to it; a missing or boolean one needs none. */
function writeConstant(writer: ThriftWriter, column: ConstantColumn, rows: number): Chunk {
  const { kind, value } = column;
  const start = writer.length;
  const levels = runs([[rows, value === null ? 0 : 1]]);
  let dictionaryAt: number | null = null;
  let data: Uint8Array = empty;
  let encoding: number = encodings.plain;
  if (value !== null && kind === "boolean") {
    data = plainValues(kind, new Array<boolean>(rows).fill(value === true));
  } else if (value !== null) {
    dictionaryAt = start;
    writeDictionary(writer, plainValues(kind, [value]));
    encoding = encodings.dictionary;
    data = pointersToFirst(rows);
  }
  const dataAt = writer.length;
  const nulls = value === null ? rows : 0;
  writeDataPage(writer, { rows, nulls, encoding, levels, data, plainBytes: data.length });
  const sizeBytes = writer.length - start;
  return {
    column,
    codec: codecs.none,
    dictionaryAt,
    dataAt,
    sizeBytes,
    uncompressedBytes: sizeBytes,
    statistics: null,
  };
}

function writeVaried(writer: ThriftWriter, column: Column, rows: number): Chunk {
  const start = writer.length;
  const { levels, statistics, plain, data } = encodeValues(column);
  const nulls = statistics.nulls;
  const plainBytes = plain.length;
  writeDataPage(writer, { rows, nulls, encoding: encodings.plain, levels, data, plainBytes });
  const sizeBytes = writer.length - start;
  return {
    column,
    codec: codecs.snappy,
    dictionaryAt: null,
    dataAt: start,
    sizeBytes,
    uncompressedBytes: sizeBytes - data.length + plainBytes,
    statistics,
  };
}

interface EncodedValues {
  readonly levels: Uint8Array;
  readonly plain: Uint8Array;
  readonly data: Uint8Array;
  readonly statistics: Statistics;
}

/** By the values themselves: columns of different files that share them are encoded once. */
const shared = new WeakMap<object, EncodedValues>();

function encodeValues({ kind, values }: Column): EncodedValues {
  const known = shared.get(values);
  if (known) return known;
  const present = values instanceof Float64Array ? values : withoutNulls(values);
  const plain = plainValues(kind, present);
  const encoded: EncodedValues = {
    levels: levelsOf(values, present.length),
    plain,
    data: snappyCompress(plain),
    statistics: { nulls: values.length - present.length, bounds: boundsOf(kind, present) },
  };
  if (values instanceof BigInt64Array) shared.set(values, encoded);
  return encoded;
}

function withoutNulls(values: Values): Values {
  for (const value of values)
    if (value === null) return Array.from(values).filter((one) => one !== null);
  return values;
}

/** Which rows hold a value (1) and which none (0), run by run. */
function levelsOf(values: Values, present: number): Uint8Array {
  if (present === values.length) return runs([[present, 1]]);
  const found: [count: number, level: number][] = [];
  let last: [count: number, level: number] | undefined;
  for (const value of values) {
    const level = value === null ? 0 : 1;
    if (last?.[1] === level) last[0]++;
    else found.push((last = [1, level]));
  }
  return runs(found);
}

/** Parquet's RLE of numbers of one bit. */
function runs(all: readonly (readonly [count: number, value: number])[]): Uint8Array {
  const bytes: number[] = [];
  for (const [count, value] of all) {
    pushVarint(bytes, count * 2);
    bytes.push(value);
  }
  return Uint8Array.from(bytes);
}

/** A width of 0 bits, and one run: all rows point to the dictionary's first value. */
function pointersToFirst(rows: number): Uint8Array {
  const bytes = [0];
  pushVarint(bytes, rows * 2);
  return Uint8Array.from(bytes);
}

function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
}

/** Of numbers; readers make little use of those of texts. What is not a number is left out. */
function boundsOf(kind: Column["kind"], values: Values): Statistics["bounds"] {
  if (kind === "string" || kind === "boolean") return null;
  let least: number | bigint | undefined;
  let greatest: number | bigint | undefined;
  for (const value of values as Values<number | bigint>) {
    if (Number.isNaN(value)) continue;
    if (least === undefined || value < least) least = value;
    if (greatest === undefined || value > greatest) greatest = value;
  }
  if (least === undefined || greatest === undefined) return null;
  // The format wants zeros so that they bound either zero.
  if (least === 0) least = -0;
  if (greatest === 0) greatest = 0;
  return { least: plainValues(kind, [least]), greatest: plainValues(kind, [greatest]) };
}

function writeDictionary(writer: ThriftWriter, value: Uint8Array): void {
  writer.struct();
  writer.i32(1, pageTypes.dictionary);
  writer.i32(2, value.length);
  writer.i32(3, value.length);
  writer.struct(7);
  writer.i32(1, 1);
  writer.i32(2, encodings.plain);
  writer.end();
  writer.end();
  writer.raw(value);
}

interface DataPage {
  readonly rows: number;
  readonly nulls: number;
  readonly encoding: number;
  readonly levels: Uint8Array;
  readonly data: Uint8Array;
  /** Of the data, before it was compressed. */
  readonly plainBytes: number;
}

function writeDataPage(writer: ThriftWriter, page: DataPage): void {
  const { rows, nulls, encoding, levels, data, plainBytes } = page;
  writer.struct();
  writer.i32(1, pageTypes.dataV2);
  writer.i32(2, levels.length + plainBytes);
  writer.i32(3, levels.length + data.length);
  writer.struct(8);
  writer.i32(1, rows);
  writer.i32(2, nulls);
  writer.i32(3, rows);
  writer.i32(4, encoding);
  writer.i32(5, levels.length);
  writer.i32(6, 0);
  writer.end();
  writer.end();
  writer.raw(levels);
  writer.raw(data);
}

const empty = new Uint8Array();
