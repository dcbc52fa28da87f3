import { greatest, least } from "../extremes.ts";
import type { Line, Segment } from "../model.ts";
import { median } from "../columns/gutter.ts";
import { readMarker } from "./markers.ts";

/** A stretch of lines that is a table. */
export interface FoundTable {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly rows: readonly (readonly string[])[];
}

interface Column {
  left: number;
  right: number;
}

/** Rows further apart than this many type sizes do not belong to one table. */
const MAX_ROW_DISTANCE = 3.2;
/** White space between columns is at least this many type sizes wide. */
const MIN_GAP = 0.5;
const LEADER = /(?:\. ?){5,}|…{2,}|_{5,}/u;

/** Finds the tables among a region's lines. Lines of prose, lists and contents are left alone. */
export function findTables(lines: readonly Line[]): FoundTable[] {
  const tables: FoundTable[] = [];
  let from = 0;
  while (from < lines.length) {
    const to = stretchEnd(lines, from);
    const table = to - from >= 2 ? toTable(lines, from, to) : undefined;
    if (table !== undefined) tables.push(table);
    from = table === undefined ? Math.max(to, from + 1) : table.to;
  }
  return tables;
}

/** The end of the stretch of lines from `from` that have cells, or go on inside one cell. */
function stretchEnd(lines: readonly Line[], from: number): number {
  if (!hasCells(lines[from])) return from + 1;
  let to = from + 1;
  let lastWithCells = to;
  while (to < lines.length) {
    const line = lines[to];
    const previous = lines[to - 1];
    if (line === undefined || previous === undefined) break;
    if (line.baseline - previous.baseline > MAX_ROW_DISTANCE * Math.max(line.size, previous.size))
      break;
    if (hasCells(line)) lastWithCells = to + 1;
    else if (to - lastWithCells >= 2 || LEADER.test(line.text)) break;
    to += 1;
  }
  // One line may trail: the end of a cell that wraps in the last row.
  const trailing = lines[lastWithCells];
  const last = lines[lastWithCells - 1];
  const wraps =
    trailing !== undefined &&
    last !== undefined &&
    last.cells.some(
      (cell, index) => index > 0 && Math.abs(cell.x - trailing.x) < 0.3 * cell.size,
    ) &&
    trailing.baseline - last.baseline < 1.5 * trailing.size;
  return wraps ? lastWithCells + 1 : lastWithCells;
}

function hasCells(line: Line | undefined): boolean {
  if (line === undefined || line.cells.length < 2 || line.mono || LEADER.test(line.text))
    return false;
  return !(line.cells.length === 2 && readMarker(`${line.cells[0]?.text ?? ""} x`) !== undefined);
}

function toTable(lines: readonly Line[], from: number, to: number): FoundTable | undefined {
  const stretch = lines.slice(from, to);
  const full = stretch.filter((line) => line.cells.length > 1);
  const columns = findColumns(full);
  if (columns.length < 2 || full.length < (columns.length > 2 ? 2 : 3)) return undefined;
  const placed = stretch.map((line) => place(line, columns));
  if (placed.some((row) => row === undefined)) return undefined;
  const rows = mergeRows(stretch, placed as string[][]);
  if (rows.length < 2 || !isFilled(rows)) return undefined;
  return { from, to, rows };
}

/**
 * Columns are what the cells' shadows on the x axis leave apart. A heading that spans columns
 * would join them, so a cell much wider than its column's others is left out of the shadow.
 */
function findColumns(lines: readonly Line[]): Column[] {
  const cells = lines.flatMap((line) => line.cells);
  const size = median(cells.map((cell) => cell.size));
  const columns = shadow(cells, size);
  const most = greatest(lines.map((line) => line.cells.length));
  if (columns.length >= most) return columns;
  const narrower = shadow(
    lines.filter((line) => line.cells.length === most).flatMap((line) => line.cells),
    size,
  );
  return narrower.length === most &&
    lines.filter((line) => line.cells.length === most).length * 2 > lines.length
    ? narrower
    : columns;
}

function shadow(cells: readonly Segment[], size: number): Column[] {
  const columns: Column[] = [];
  for (const cell of [...cells].sort((a, b) => a.x - b.x)) {
    const last = columns.at(-1);
    if (last !== undefined && cell.x - last.right < MIN_GAP * size)
      last.right = Math.max(last.right, cell.right);
    else columns.push({ left: cell.x, right: cell.right });
  }
  return columns;
}

/** The line's texts by column, or undefined if a cell lies across columns. */
function place(line: Line, columns: readonly Column[]): string[] | undefined {
  const row = columns.map(() => "");
  for (const cell of line.cells) {
    const touched = columns
      .map((column, index) => ({
        index,
        overlap: Math.min(cell.right, column.right) - Math.max(cell.x, column.left),
      }))
      .filter(({ overlap }) => overlap > 0);
    if (touched.length === 0 || (touched.length > 1 && line.cells.length === 1)) return undefined;
    const index = touched.reduce((best, next) => (next.overlap > best.overlap ? next : best)).index;
    row[index] = row[index] === "" ? cell.text : `${row[index] ?? ""} ${cell.text}`;
  }
  return row;
}

/** Puts the second and later lines of wrapped cells into the row they belong to. */
function mergeRows(lines: readonly Line[], placed: readonly string[][]): string[][] {
  const gaps = lines.slice(1).map((line, index) => line.baseline - (lines[index]?.baseline ?? 0));
  const tight = least(gaps);
  const loose = greatest(gaps);
  const twoPitches = loose > 1.2 * tight;
  const rows: string[][] = [];
  for (const [index, cells] of placed.entries()) {
    const previous = rows.at(-1);
    const gap = gaps[index - 1] ?? Infinity;
    const partial = cells.filter((cell) => cell !== "").length < cells.length;
    const wraps = twoPitches
      ? gap < 1.1 * tight && partial
      : cells[0] === "" && gap < 1.35 * (lines[index]?.size ?? 0);
    if (previous !== undefined && wraps) {
      for (const [column, cell] of cells.entries()) {
        if (cell !== "") previous[column] = `${previous[column] ?? ""} ${cell}`.trim();
      }
    } else {
      rows.push([...cells]);
    }
  }
  return rows;
}

function isFilled(rows: readonly string[][]): boolean {
  const filled = rows.flat().filter((cell) => cell !== "").length;
  const long = rows.flat().filter((cell) => cell.length > 120).length;
  return filled >= 0.55 * rows.flat().length && long === 0;
}
