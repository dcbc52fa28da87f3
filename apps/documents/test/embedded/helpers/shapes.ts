import type { Line, Region, Run, Segment } from "../../../src/embedded/model.ts";
import { toLines } from "../../../src/embedded/lines/lines.ts";

const PLAIN = { bold: false, italic: false, mono: false };

/** A run of 10-point text; every character is 5 points wide. */
export function run(text: string, x: number, baseline: number, changes: Partial<Run> = {}): Run {
  const size = changes.size ?? 10;
  const right = x + text.length * size * 0.5;
  return { text, x, right, baseline, size, face: PLAIN, rtl: false, spaced: false, ...changes };
}

/** A segment of 10-point text; every character is 5 points wide. */
export function segment(
  text: string,
  x: number,
  baseline: number,
  changes: Partial<Segment> = {},
): Segment {
  const size = changes.size ?? 10;
  return {
    text,
    x,
    right: x + text.length * size * 0.5,
    baseline,
    size,
    rtl: false,
    ...PLAIN,
    ...changes,
  };
}

export function lines(...segments: readonly Segment[]): Line[] {
  return toLines(segments);
}

export function region(...segments: readonly Segment[]): Region {
  const set = toLines(segments);
  return {
    page: 1,
    index: 0,
    left: Math.min(...set.map((line) => line.x)),
    right: Math.max(...set.map((line) => line.right)),
    lines: set,
  };
}
