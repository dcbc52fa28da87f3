import { decode } from "./header.ts";
import { parseNumberBytes } from "./number-bytes.ts";

/** A column as numbers, and what of it was not one. */
export interface NumberColumn {
  readonly name: string;
  /** `NaN` where there is no number; `missing` tells which of them were `nan` in the file. */
  readonly values: Float64Array;
  /** Rows without a number: empty, or something else. Ascending. */
  readonly missing: readonly number[];
  /** How many of `missing` hold something that is no number. */
  readonly notNumbers: number;
}

export interface Table {
  readonly columns: readonly NumberColumn[];
  readonly rows: number;
  /** The cells of a column as text, empty ones as null. */
  texts(column: number): (string | null)[];
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const comma = 0x2c;
const hash = 0x23;

/**
 * Reads the comma-separated table that starts at an offset: a line of column names, then rows.
 * Comments and blank lines are left out; a short row lacks its last cells, and what a long one has
 * too many is dropped. Null where there is not even a line of names.
 */
export function parseTable(bytes: Buffer, start: number): Table | null {
  const head = nextLine(bytes, start);
  if (head === null) return null;
  const names = decode(bytes, head.start, head.end).split(",");
  const room = countLines(bytes, head.next);
  const values = names.map(() => new Float64Array(room));
  const missing = names.map((): number[] => []);
  const notNumbers = names.map(() => 0);
  const starts: number[] = [];
  let row = 0;
  for (let line = nextLine(bytes, head.next); line; line = nextLine(bytes, line.next)) {
    starts.push(line.start, line.end);
    let at = line.start;
    for (let column = 0; column < names.length; column++) {
      let end = at;
      while (end < line.end && bytes[end] !== comma) end++;
      const value = parseNumberBytes(bytes, at, end);
      const into = values[column] as Float64Array; // one for each name
      if (value === undefined || value === null) {
        into[row] = NaN;
        missing[column]?.push(row);
        if (value === null) notNumbers[column] = (notNumbers[column] ?? 0) + 1;
      } else into[row] = value;
      at = end + 1;
    }
    row++;
  }
  return {
    rows: row,
    columns: names.map((name, column) => ({
      name: name.trim(),
      values: (values[column] as Float64Array).subarray(0, row),
      missing: missing[column] ?? [],
      notNumbers: notNumbers[column] ?? 0,
    })),
    texts: (column) => readTexts(bytes, starts, column),
  };
}

interface Line {
  readonly start: number;
  readonly end: number;
  readonly next: number;
}

/** The next line that is neither blank nor a comment, without its line break. */
function nextLine(bytes: Buffer, from: number): Line | null {
  for (let start = from; start < bytes.length;) {
    const feed = bytes.indexOf(lineFeed, start);
    const next = feed < 0 ? bytes.length : feed + 1;
    let end = feed < 0 ? bytes.length : feed;
    if (end > start && bytes[end - 1] === carriageReturn) end--;
    if (end > start && bytes[start] !== hash) return { start, end, next };
    start = next;
  }
  return null;
}

function countLines(bytes: Buffer, from: number): number {
  let lines = 1;
  for (let at = from; at < bytes.length; at++) if (bytes[at] === lineFeed) lines++;
  return lines;
}

function readTexts(bytes: Buffer, starts: readonly number[], column: number): (string | null)[] {
  const texts: (string | null)[] = [];
  for (let index = 0; index < starts.length; index += 2) {
    const cells = decode(bytes, starts[index] ?? 0, starts[index + 1] ?? 0).split(",");
    const cell = cells[column]?.trim() ?? "";
    texts.push(cell === "" ? null : cell);
  }
  return texts;
}
