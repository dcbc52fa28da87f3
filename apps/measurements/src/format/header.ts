import { isAscii } from "node:buffer";

/** What stands in the commented lines above the table. */
export interface Header {
  /** The last part of `<laser_setup.procedures.IV.IV>`; null where there is no such line. */
  readonly procedure: string | null;
  readonly parameters: ReadonlyMap<string, string>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Offset, in bytes, of the line after `#Data:`, or of the first line that is no comment. */
  readonly tableStart: number;
}

const procedureLine = /^#\s*procedure\s*:\s*<([^>]+)>$/i;
const blockLine = /^#\s*(parameters|metadata|data)\s*:$/i;
const entryLine = /^#\s*([^:]+):\s*(.*)$/;
const lineFeed = 0x0a;
const hash = 0x23;

/** Reads the header of an instrument file. Bytes that are not UTF-8 are left out. */
export function parseHeader(bytes: Buffer): Header {
  let procedure: string | null = null;
  const parameters = new Map<string, string>();
  const metadata = new Map<string, string>();
  let block: Map<string, string> | null = null;
  let firstTableLine = -1;
  let tableStart = -1;
  for (let start = 0; start < bytes.length && tableStart < 0;) {
    const feed = bytes.indexOf(lineFeed, start);
    const end = feed < 0 ? bytes.length : feed;
    const line = decode(bytes, start, end).trim();
    if (line.charCodeAt(0) !== hash) {
      // A table without `#Data:` goes on to the end; a stray line above it is no table.
      if (line !== "" && firstTableLine < 0) firstTableLine = start;
    } else {
      const title = blockLine.exec(line)?.[1]?.toLowerCase();
      if (title === "data") tableStart = end + 1;
      else if (title === "parameters") block = parameters;
      else if (title === "metadata") block = metadata;
      else {
        const named = procedureLine.exec(line)?.[1];
        if (named !== undefined) procedure = named.split(".").at(-1)?.trim() ?? null;
        else addEntry(block, line);
      }
    }
    start = end + 1;
  }
  const start = parameters.get("Start time");
  if (start !== undefined && !metadata.has("Start time")) metadata.set("Start time", start);
  if (tableStart < 0) tableStart = firstTableLine < 0 ? bytes.length : firstTableLine;
  return { procedure, parameters, metadata, tableStart: Math.min(tableStart, bytes.length) };
}

function addEntry(block: Map<string, string> | null, line: string): void {
  const entry = block && entryLine.exec(line);
  if (entry) block.set((entry[1] ?? "").trim(), (entry[2] ?? "").trim());
}

/** Text of these bytes; what is not UTF-8, and a byte order mark, is left out. */
export function decode(bytes: Buffer, start: number, end: number): string {
  if (isAscii(bytes.subarray(start, end))) return bytes.toString("latin1", start, end);
  return bytes.toString("utf8", start, end).replace(/[\uFFFD\uFEFF]/g, "");
}
