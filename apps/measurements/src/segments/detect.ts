export type Direction = "increasing" | "decreasing" | "unknown";

/** Points that follow each other in one direction on one side of zero. Both ends belong to it. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  readonly direction: Direction;
}

export interface DetectOptions {
  /** Volts: a smaller step is noise, and says nothing of the direction. */
  readonly dvThreshold: number;
  /** A segment of fewer points is dropped. */
  readonly minSegmentPoints: number;
}

/**
 * Finds the segments of a sweep. A segment ends where the voltage turns, or reaches or crosses zero.
 * A point without a voltage (`NaN`) neither turns nor crosses: it lies in the segment around it.
 */
export function detectSegments(
  voltages: ArrayLike<number>,
  { dvThreshold, minSegmentPoints }: DetectOptions,
): Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  let direction: Direction = "unknown";
  const close = (end: number): void => {
    if (end - start >= minSegmentPoints) segments.push({ start, end: end - 1, direction });
  };
  for (let index = 1; index < voltages.length; index++) {
    const before = voltages[index - 1] ?? NaN;
    const voltage = voltages[index] ?? NaN;
    const heading = headingOf(voltage - before, dvThreshold);
    const hasTurned = heading !== "unknown" && direction !== "unknown" && heading !== direction;
    const hasCrossed = (before < 0 && voltage >= 0) || (before > 0 && voltage <= 0);
    if (hasTurned || hasCrossed) {
      close(index);
      start = index;
      if (heading !== "unknown") direction = heading;
    } else if (direction === "unknown") direction = heading;
  }
  close(voltages.length);
  return segments;
}

function headingOf(change: number, threshold: number): Direction {
  if (!(Math.abs(change) >= threshold)) return "unknown";
  return change > 0 ? "increasing" : "decreasing";
}

export type SegmentType =
  "forward_negative" | "return_negative" | "forward_positive" | "return_positive";

/** What a segment is called, by its ends and its direction. */
export function nameSegment(first: number, last: number, direction: Direction): SegmentType {
  if (Math.max(first, last) <= 0)
    return direction === "decreasing" ? "forward_negative" : "return_negative";
  if (Math.min(first, last) >= 0)
    return direction === "increasing" ? "forward_positive" : "return_positive";
  return direction === "decreasing" ? "forward_negative" : "forward_positive";
}
