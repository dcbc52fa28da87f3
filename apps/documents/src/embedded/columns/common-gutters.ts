import { greatest, least } from "../extremes.ts";
import type { Segment } from "../model.ts";

/** Gutters this close, in points, are one. */
const SAME_GUTTER = 8;
/** A gutter is common if this part of the pages has it, and at least two. */
const COMMON_PART = 0.25;
const MIN_LINES = 3;

/** The gutters many pages share: one, or two where left and right pages have other margins. */
export function commonGutters(found: readonly (number | undefined)[]): number[] {
  const clusters: number[][] = [];
  for (const x of found.filter((value) => value !== undefined).sort((a, b) => a - b)) {
    const last = clusters.at(-1);
    if (last !== undefined && x - (last[0] ?? 0) <= SAME_GUTTER) last.push(x);
    else clusters.push([x]);
  }
  return clusters
    .filter((cluster) => cluster.length >= Math.max(2, COMMON_PART * found.length))
    .map((cluster) => cluster[Math.floor(cluster.length / 2)] ?? 0);
}

/**
 * Whether a page on its own unclear, because of a figure or a listing, goes well with the gutter
 * of the others: text on both sides, some of it filling its column, and little across.
 */
export function fitsGutter(segments: readonly Segment[], gutter: number): boolean {
  const before = segments.filter((segment) => segment.right <= gutter + 2);
  const after = segments.filter((segment) => segment.x >= gutter - 2);
  const across = segments.length - before.length - after.length;
  if (
    Math.min(before.length, after.length) < MIN_LINES ||
    across * 2 > before.length + after.length
  )
    return false;
  return fullLines(before) >= MIN_LINES || fullLines(after) >= MIN_LINES;
}

function fullLines(side: readonly Segment[]): number {
  const width = greatest(side.map((s) => s.right)) - least(side.map((s) => s.x));
  return side.filter((s) => s.right - s.x >= 0.85 * width && s.text.length >= 25).length;
}
