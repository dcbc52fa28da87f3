import { repeat, sliceColumn, type Column } from "../parquet/columns.ts";
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
  readonly columns: readonly Column[];
  /** Names of the columns that differ from row to row. */
  readonly varied: ReadonlySet<string>;
}

/** Cuts a staged run into its segments. Throws a `RunError` where there are none. */
export function segmentRun(
  columns: readonly Column[],
  options: DetectOptions & { readonly voltageCol: string },
): SegmentTable[] {
  const voltages = voltagesOf(columns, options.voltageCol);
  const segments = detectSegments(voltages, options);
  if (segments.length === 0)
    throw new RunError(
      "NO_SEGMENTS",
      `it has no segment of ${options.minSegmentPoints} points or more (${voltages.length} points, steps below ${options.dvThreshold} V not counted)`,
    );
  const measured = columns
    .map(({ name }) => name)
    .filter((name) => !headerColumnNames.includes(name));
  const varied = new Set([...measured, "point_in_segment"]);
  return segments.map(({ start, end, direction }, id) => {
    const points = end - start + 1;
    const firstVolts = voltages[start] ?? NaN;
    const lastVolts = voltages[end] ?? NaN;
    const type = nameSegment(firstVolts, lastVolts, direction);
    const own: Column[] = [
      repeat("segment_id", "int64", BigInt(id), points),
      repeat("segment_type", "string", type, points),
      repeat("segment_v_start", "float64", firstVolts, points),
      repeat("segment_v_end", "float64", lastVolts, points),
      repeat("segment_direction", "string", direction, points),
      {
        name: "point_in_segment",
        kind: "int64",
        values: Array.from({ length: points }, (_, point) => BigInt(point)),
      },
    ];
    const cut = columns.map((column) => sliceColumn(column, start, end + 1));
    return { id, type, firstVolts, lastVolts, points, columns: [...cut, ...own], varied };
  });
}

/** The voltages, `NaN` where there is none. */
function voltagesOf(columns: readonly Column[], name: string): ArrayLike<number> {
  const column = columns.find((one) => one.name === name);
  if (column?.values instanceof Float64Array) return column.values;
  if (column?.kind === "float64" || column?.kind === "int64")
    return Float64Array.from(column.values as ArrayLike<number | bigint | null>, (value) =>
      value === null ? NaN : Number(value),
    );
  const others = columns.map((one) => one.name).filter((one) => !headerColumnNames.includes(one));
  throw new RunError(
    "NO_COLUMN",
    column === undefined
      ? `it has no column "${name}"; it has ${others.join(", ")}`
      : `its column "${name}" does not hold numbers`,
  );
}
