import { constant, isConstant, sliceColumn, type FileColumn } from "../parquet/columns.ts";
import { headerColumnNames } from "../stage/measurement.ts";
import { detectSegments, nameSegment, type DetectOptions, type SegmentType } from "./detect.ts";
import { RunError } from "./run-error.ts";

export interface SegmentTable {
  readonly id: number;
  readonly type: SegmentType;
  readonly firstVolts: number;
  readonly lastVolts: number;
  readonly points: number;
  /** The run's columns for these points, and the segment's. */
  readonly columns: readonly FileColumn[];
}

/** Cuts a staged run into its segments. Throws a `RunError` where there are none. */
export function segmentRun(
  columns: readonly FileColumn[],
  rows: number,
  options: DetectOptions & { readonly voltageCol: string },
): SegmentTable[] {
  const voltages = voltagesOf(columns, options.voltageCol, rows);
  const segments = detectSegments(voltages, options);
  if (segments.length === 0)
    throw new RunError(
      "NO_SEGMENTS",
      `it has no segment of ${options.minSegmentPoints} points or more (${voltages.length} points, steps below ${options.dvThreshold} V not counted)`,
    );
  return segments.map(({ start, end, direction }, id) => {
    const points = end - start + 1;
    const firstVolts = voltages[start] ?? NaN;
    const lastVolts = voltages[end] ?? NaN;
    const type = nameSegment(firstVolts, lastVolts, direction);
    const own: FileColumn[] = [
      constant("segment_id", "int64", BigInt(id)),
      constant("segment_type", "string", type),
      constant("segment_v_start", "float64", firstVolts),
      constant("segment_v_end", "float64", lastVolts),
      constant("segment_direction", "string", direction),
      { name: "point_in_segment", kind: "int64", values: countTo(points) },
    ];
    const cut = columns.map((column) => sliceColumn(column, start, end + 1));
    return { id, type, firstVolts, lastVolts, points, columns: [...cut, ...own] };
  });
}

const counts = new Map<number, BigInt64Array>();
const countsMost = 4096;

/** 0, 1, 2, …: the same array for the same number of points, so that it is encoded once. */
function countTo(points: number): BigInt64Array {
  let count = counts.get(points);
  if (count === undefined) {
    if (counts.size >= countsMost) counts.clear();
    count = BigInt64Array.from({ length: points }, (_, point) => BigInt(point));
    counts.set(points, count);
  }
  return count;
}

/** The voltages, `NaN` where there is none. */
function voltagesOf(columns: readonly FileColumn[], name: string, rows: number): Float64Array {
  const column = columns.find((one) => one.name === name);
  if (column?.kind === "float64" || column?.kind === "int64") {
    const toNumber = (value: unknown): number => (value === null ? NaN : Number(value));
    if (isConstant(column)) return new Float64Array(rows).fill(toNumber(column.value));
    if (column.values instanceof Float64Array) return column.values;
    return Float64Array.from(column.values, toNumber);
  }
  const others = columns.map((one) => one.name).filter((one) => !headerColumnNames.includes(one));
  throw new RunError(
    "NO_COLUMN",
    column === undefined
      ? `it has no column "${name}"; it has ${others.join(", ")}`
      : `its column "${name}" does not hold numbers`,
  );
}
