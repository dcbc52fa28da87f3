import { greatest, least } from "../extremes.ts";
import type { Segment } from "../model.ts";

/** A cell wider than this part of the page is a column's line of prose. */
const PROSE_WIDTH = 0.36;

/** Whether a segment crosses the gutter rather than merely touching it. */
export function isAcross(segment: Segment, gutter: number): boolean {
  return segment.x < gutter - 1 && segment.right > gutter + 1;
}

/**
 * Finds the rows of tables that reach over both columns but happen to have a gap at the gutter:
 * at least three cells on one line, none of them prose-wide, on both sides, in three rows running.
 */
export function wideTableRows(segments: readonly Segment[], gutter: number): ReadonlySet<Segment> {
  const width = greatest(segments.map((s) => s.right)) - least(segments.map((s) => s.x));
  const found = new Set<Segment>();
  let streak: Segment[][] = [];
  const flush = (): void => {
    if (streak.length >= 3) for (const segment of streak.flat()) found.add(segment);
    streak = [];
  };
  for (const row of rowsOf(segments)) {
    if (isTableRow(row, gutter, width)) {
      streak.push(row);
    } else if (!row.some((segment) => isAcross(segment, gutter))) {
      flush();
    }
  }
  flush();
  return found;
}

function rowsOf(segments: readonly Segment[]): Segment[][] {
  const rows: Segment[][] = [];
  for (const segment of [...segments].sort((a, b) => a.baseline - b.baseline)) {
    const row = rows.at(-1);
    const first = row?.[0];
    if (
      row !== undefined &&
      first !== undefined &&
      segment.baseline - first.baseline <= 0.3 * first.size
    )
      row.push(segment);
    else rows.push([segment]);
  }
  return rows;
}

function isTableRow(row: readonly Segment[], gutter: number, width: number): boolean {
  return (
    row.length >= 3 &&
    row.every((segment) => segment.right - segment.x < PROSE_WIDTH * width) &&
    row.some((segment) => segment.right <= gutter) &&
    row.some((segment) => segment.x >= gutter)
  );
}
