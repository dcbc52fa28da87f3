import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CofferdamError } from "cofferdam";
import type { Column } from "../parquet/columns.ts";
import { readParquet } from "../parquet/read-parquet.ts";
import type { SegmentErrorEvent, SegmentEvent } from "../segments/events.ts";
import { segmentsRootOf } from "../segments/preprocess.ts";
import { parseStagedPath } from "../segments/staged-path.ts";
import { manifestFolder, type RejectRecord, type StageEvent } from "../stage/events.ts";

export interface ReportOptions {
  readonly stageRoot: string;
  readonly outputRoot: string;
  readonly procedure: string;
  readonly voltageCol: string;
  /** How many runs are drawn. */
  readonly samples: number;
}

export interface Curve {
  readonly type: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Sample {
  readonly title: string;
  readonly xName: string;
  readonly yName: string;
  readonly curves: readonly Curve[];
}

/** What the page shows. */
export interface ReportData {
  readonly stageRoot: string;
  readonly segmentsRoot: string;
  readonly procedure: string;
  readonly staged: number;
  readonly rows: number;
  readonly rejected: number;
  readonly runs: number;
  readonly refused: number;
  readonly segments: number;
  readonly procedures: readonly string[];
  /** Files by date and procedure, dates ascending. */
  readonly byDate: readonly {
    readonly date: string;
    readonly counts: Readonly<Record<string, number>>;
  }[];
  readonly bySegmentType: Readonly<Record<string, number>>;
  /** Reasons and how often they came, most frequent first. */
  readonly rejectReasons: readonly (readonly [reason: string, count: number])[];
  readonly runErrors: readonly (readonly [reason: string, count: number])[];
  readonly samples: readonly Sample[];
}

/** Gathers what the stages wrote. Rejects with `INVALID_ARGUMENT` where nothing is staged. */
export async function collectReport(options: ReportOptions): Promise<ReportData> {
  const { stageRoot, outputRoot, procedure } = options;
  const staged = readJson<StageEvent>(join(stageRoot, manifestFolder, "events"), "event-");
  if (staged.length === 0)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `nothing is staged in ${stageRoot}; run \`cofferdam measurements stage\` first`,
    );
  const rejects = readJson<RejectRecord>(join(dirname(stageRoot), "_rejects"), "");
  const segmentsRoot = segmentsRootOf(outputRoot, procedure);
  const all = readJson<SegmentEvent | SegmentErrorEvent>(
    join(segmentsRoot, manifestFolder, "events"),
    "segment-",
  );
  const segmented = all.filter((event) => event.status !== "error");
  const refused = all.filter((event) => event.status === "error");
  return {
    stageRoot,
    segmentsRoot,
    procedure,
    staged: staged.length,
    rows: staged.reduce((sum, { rows }) => sum + rows, 0),
    rejected: rejects.length,
    runs: all.length,
    refused: refused.length,
    segments: segmented.reduce((sum, event) => sum + event.segment_details.length, 0),
    procedures: [...new Set(staged.map(({ proc }) => proc))].sort(),
    byDate: countByDate(staged),
    bySegmentType: countTypes(segmented),
    rejectReasons: countReasons(rejects.map(({ error }) => error)),
    runErrors: countReasons(refused.map(({ error }) => error)),
    samples: await drawSamples(segmented, options),
  };
}

function readJson<Value>(folder: string, prefix: string): Value[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith(".json"))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Value);
}

function countByDate(events: readonly StageEvent[]): ReportData["byDate"] {
  const dates = new Map<string, Record<string, number>>();
  for (const { path, proc } of events) {
    const { date } = parseStagedPath(path);
    const counts = dates.get(date) ?? (Object.create(null) as Record<string, number>);
    counts[proc] = (counts[proc] ?? 0) + 1;
    dates.set(date, counts);
  }
  return [...dates]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([date, counts]) => ({ date, counts }));
}

function countTypes(events: readonly SegmentEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { segment_details } of events)
    for (const { type } of segment_details) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

/** What differs from file to file stands in a message's brackets, or after its semicolon. */
function countReasons(messages: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const message of messages) {
    const reason = (/^(?:"[^"]*"|[^;("])+/.exec(message)?.[0] ?? message).trim();
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

async function drawSamples(
  events: readonly SegmentEvent[],
  { samples, voltageCol }: ReportOptions,
): Promise<Sample[]> {
  const every = Math.max(1, Math.floor(events.length / samples));
  const chosen = events.filter((_, index) => index % every === 0).slice(0, samples);
  return Promise.all(chosen.map((event) => drawSample(event, voltageCol)));
}

async function drawSample(event: SegmentEvent, voltageCol: string): Promise<Sample> {
  const curves: Curve[] = [];
  let yName = "";
  let title = event.run_id;
  for (const [index, path] of event.output_paths.entries()) {
    const columns = await readParquet(readFileSync(path));
    const x = columns.find(({ name }) => name === voltageCol);
    const y = columns.find(({ name, kind }) => kind === "float64" && name !== voltageCol);
    if (!x || !y) continue;
    yName = y.name;
    title = `${firstText(columns, "proc")} ${parseStagedPath(event.source_path).date}, chip ${firstText(columns, "chip_group")} ${firstText(columns, "chip_number")}, sample ${firstText(columns, "sample")}`;
    const points = Array.from(x.values, (value, row): [number, number] => [
      Number(value ?? NaN),
      Number(y.values[row] ?? NaN),
    ]).filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b));
    curves.push({ type: event.segment_details[index]?.type ?? "", points });
  }
  return { title, xName: voltageCol, yName, curves };
}

function firstText(columns: readonly Column[], name: string): string {
  const value = columns.find((column) => column.name === name)?.values[0];
  return typeof value === "string" ? value : "?";
}
