import { greatest, least } from "../extremes.ts";
import { toLines } from "../lines/lines.ts";
import type { Region, Segment } from "../model.ts";
import { fitsGutter } from "./common-gutters.ts";
import { findGutter } from "./gutter.ts";
import { isAcross, wideTableRows } from "./wide-tables.ts";

/** Columns within columns are cut this deep: four columns are two cuts, then two each. */
const MAX_DEPTH = 3;

/**
 * Cuts a page into regions, in reading order, counted on from `firstIndex`. `common` are the
 * document's usual gutters, for pages that do not show theirs clearly.
 */
export function toRegions(
  segments: readonly Segment[],
  page: number,
  firstIndex: number,
  common: readonly number[] = [],
): Region[] {
  const gutter = findGutter(segments) ?? common.find((x) => fitsGutter(segments, x));
  return cut(segments, gutter, 0).map((group, index) => toRegion(group, page, firstIndex + index));
}

function cut(segments: readonly Segment[], gutter: number | undefined, depth: number): Segment[][] {
  if (segments.length === 0) return [];
  if (gutter === undefined) return [[...segments]];
  const tableRows = wideTableRows(segments, gutter);
  const groups: Segment[][] = [];
  let across: Segment[] = [];
  let left: Segment[] = [];
  let right: Segment[] = [];
  const flushColumns = (): void => {
    groups.push(...cutColumn(left, depth), ...cutColumn(right, depth));
    left = [];
    right = [];
  };
  for (const segment of [...segments].sort((a, b) => a.baseline - b.baseline || a.x - b.x)) {
    if (isAcross(segment, gutter) || tableRows.has(segment)) {
      flushColumns();
      across.push(segment);
      continue;
    }
    if (across.length > 0) groups.push(across);
    across = [];
    (segment.right <= gutter + 1 ? left : right).push(segment);
  }
  if (across.length > 0) groups.push(across);
  flushColumns();
  return groups;
}

function cutColumn(segments: readonly Segment[], depth: number): Segment[][] {
  if (segments.length === 0) return [];
  return cut(segments, depth + 1 < MAX_DEPTH ? findGutter(segments) : undefined, depth + 1);
}

function toRegion(segments: readonly Segment[], page: number, index: number): Region {
  const lines = toLines(segments);
  return {
    page,
    index,
    left: least(lines.map((line) => line.x)),
    right: greatest(lines.map((line) => line.right)),
    lines,
  };
}
