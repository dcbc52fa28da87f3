import { greatest, least } from "../extremes.ts";
import type { Segment } from "../model.ts";

const BIN_POINTS = 2;
/** Fewer lines than this on either side are a table or a stray pair, not columns. */
const MIN_LINES = 4;
/** A column is at least this part of the region's width … */
const MIN_WIDTH = 0.22;
/** … and its middle line fills at least this part of it, with at least this many characters. */
const MIN_FILL = 0.5;
const MIN_CHARACTERS = 14;
/** Columns are about equally wide: the narrower is at least this part of the wider. */
const ALIKE = 0.75;

/**
 * Finds the x of the white gap that parts the region's columns, if it has any.
 *
 * For every x, three counts: segments wholly left of it, wholly right of it, and across it. A
 * gutter has many on either side and, full-width titles and tables apart, few across. The counts
 * come from difference arrays, so the search is linear.
 */
export function findGutter(segments: readonly Segment[]): number | undefined {
  if (segments.length < 2 * MIN_LINES) return undefined;
  const left = least(segments.map((segment) => segment.x));
  const right = greatest(segments.map((segment) => segment.right));
  const bins = Math.ceil((right - left) / BIN_POINTS) + 1;
  // A page may claim to be kilometres wide.
  if (!Number.isFinite(bins) || bins < 10 || bins > 20_000) return undefined;
  const starts = new Int32Array(bins + 1);
  const ends = new Int32Array(bins + 1);
  for (const segment of segments) {
    bump(starts, Math.floor((segment.x - left) / BIN_POINTS));
    bump(ends, Math.ceil((segment.right - left) / BIN_POINTS));
  }
  const best = bestBin(starts, ends, segments.length, bins);
  if (best === undefined) return undefined;
  const x = left + best * BIN_POINTS;
  return isProse(segments, x, left, right) ? x : undefined;
}

function bump(array: Int32Array, index: number): void {
  const at = Math.min(Math.max(index, 0), array.length - 1);
  array[at] = (array[at] ?? 0) + 1;
}

function bestBin(
  starts: Int32Array,
  ends: Int32Array,
  total: number,
  bins: number,
): number | undefined {
  let ended = 0;
  let started = 0;
  let bestScore = 0;
  let from = -1;
  let to = -1;
  for (let bin = 0; bin < bins; bin += 1) {
    ended += ends[bin] ?? 0;
    const onRight = total - started;
    started += starts[bin] ?? 0;
    const across = total - ended - onRight;
    const score = Math.min(ended, onRight) - across;
    if (
      bin < bins * MIN_WIDTH ||
      bin > bins * (1 - MIN_WIDTH) ||
      Math.min(ended, onRight) < MIN_LINES
    )
      continue;
    if (score > bestScore) {
      [bestScore, from, to] = [score, bin, bin];
    } else if (score === bestScore && to === bin - 1) {
      to = bin;
    }
  }
  return from < 0 ? undefined : (from + to) / 2;
}

/**
 * Both sides must look like running text and stand beside, not below, each other. One side may be
 * a figure's labels or a listing instead, if it is as wide as the other: a table's columns seldom
 * are.
 */
function isProse(segments: readonly Segment[], x: number, left: number, right: number): boolean {
  const before = segments.filter((segment) => segment.right <= x + BIN_POINTS);
  const after = segments.filter((segment) => segment.x >= x - BIN_POINTS);
  if (before.length < MIN_LINES || after.length < MIN_LINES || !overlap(before, after))
    return false;
  const [wide, narrow] = [widthOf(before), widthOf(after)].sort((a, b) => b - a) as [
    number,
    number,
  ];
  if (narrow < MIN_WIDTH * (right - left)) return false;
  if (looksLikeColumn(before) && looksLikeColumn(after)) return true;
  return narrow >= ALIKE * wide && (isSurelyProse(before) || isSurelyProse(after));
}

function widthOf(side: readonly Segment[]): number {
  return greatest(side.map((s) => s.right)) - least(side.map((s) => s.x));
}

function looksLikeColumn(side: readonly Segment[]): boolean {
  const middle = median(side.map((s) => s.right - s.x));
  const characters = median(side.map((s) => s.text.length));
  return middle >= MIN_FILL * widthOf(side) && characters >= MIN_CHARACTERS;
}

/** Many long lines that fill most of the column's width. */
function isSurelyProse(side: readonly Segment[]): boolean {
  const width = widthOf(side);
  const full = side.filter(
    (s) => s.right - s.x >= 0.8 * width && s.text.length >= 2 * MIN_CHARACTERS,
  );
  return full.length >= 8;
}

function overlap(a: readonly Segment[], b: readonly Segment[]): boolean {
  const [aTop, aBottom] = extent(a);
  const [bTop, bBottom] = extent(b);
  return Math.min(aBottom, bBottom) - Math.max(aTop, bTop) > 0;
}

function extent(side: readonly Segment[]): [number, number] {
  const baselines = side.map((segment) => segment.baseline);
  return [least(baselines), greatest(baselines)];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
