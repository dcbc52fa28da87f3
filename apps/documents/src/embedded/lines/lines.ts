import { greatest, least } from "../extremes.ts";
import type { Line, Segment } from "../model.ts";
import { isRightToLeft, readingOrder, UNSPACED } from "./run-text.ts";

const SAME_LINE = 0.3;

/** Puts a region's segments on lines, from top to bottom. */
export function toLines(segments: readonly Segment[]): Line[] {
  const sorted = [...segments].sort((a, b) => a.baseline - b.baseline || a.x - b.x);
  const rows: Segment[][] = [];
  for (const segment of sorted) {
    const row = rows.at(-1);
    const first = row?.[0];
    if (
      first !== undefined &&
      row !== undefined &&
      segment.baseline - first.baseline <= SAME_LINE * Math.min(first.size, segment.size)
    ) {
      row.push(segment);
    } else {
      rows.push([segment]);
    }
  }
  return rows.map(toLine);
}

/** Makes one line of the segments that stand on it. */
export function toLine(row: readonly Segment[]): Line {
  const cells = [...row].sort((a, b) => a.x - b.x);
  const longest = cells.reduce((best, cell) => (cell.text.length > best.text.length ? cell : best));
  const rtl = isRightToLeft(cells.map((cell) => cell.text).join(""));
  return {
    cells,
    text: joinCells(readingOrder(cells, rtl)),
    x: least(cells.map((cell) => cell.x)),
    right: greatest(cells.map((cell) => cell.right)),
    baseline: longest.baseline,
    size: longest.size,
    rtl,
    bold: cells.every((cell) => cell.bold),
    italic: cells.every((cell) => cell.italic),
    mono: cells.every((cell) => cell.mono),
  };
}

function joinCells(cells: readonly Segment[]): string {
  let text = "";
  for (const cell of cells) {
    const glued =
      text === "" || (UNSPACED.test(text.slice(-1)) && UNSPACED.test(cell.text.slice(0, 1)));
    text += (glued ? "" : " ") + cell.text;
  }
  return text;
}
