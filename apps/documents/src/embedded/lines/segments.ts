import type { Run, Segment } from "../model.ts";
import { runsText } from "./run-text.ts";

/** Baselines this close, as a part of the type size, are one line's. */
const SAME_LINE = 0.22;
/** A gap wider than this many type sizes ends a segment: a gutter, or the next cell. */
const WIDE_GAP = 0.9;
/** Smaller than this part of its neighbour's size, and raised or lowered: a script. */
const SCRIPT_SIZE = 0.85;

interface Group {
  runs: Run[];
  x: number;
  right: number;
  readonly baseline: number;
  readonly size: number;
}

/** Joins a page's runs into segments, in order of baseline and then of x. */
export function toSegments(runs: readonly Run[]): Segment[] {
  const groups = attachScripts(groupByLine(runs));
  return groups.map(toSegment).filter((segment) => segment.text !== "");
}

function groupByLine(runs: readonly Run[]): Group[] {
  const sorted = [...runs].sort((a, b) => a.baseline - b.baseline || a.x - b.x);
  const groups: Group[] = [];
  let row: Run[] = [];
  const flush = (): void => {
    row.sort((a, b) => a.x - b.x || a.right - b.right);
    for (const run of row) addToRow(groups, run);
    row = [];
  };
  for (const run of sorted) {
    const first = row[0];
    if (
      first !== undefined &&
      run.baseline - first.baseline > SAME_LINE * Math.min(run.size, first.size)
    ) {
      flush();
    }
    row.push(run);
  }
  flush();
  return groups;
}

function addToRow(groups: Group[], run: Run): void {
  const last = groups.at(-1);
  if (last !== undefined && continues(last, run)) {
    const twin = last.runs.at(-1);
    // Fat letters drawn twice, a hair apart, are one.
    if (twin?.text === run.text && Math.abs(twin.x - run.x) < 0.15 * run.size) return;
    last.runs.push(run);
    last.right = Math.max(last.right, run.right);
    return;
  }
  groups.push({ runs: [run], x: run.x, right: run.right, baseline: run.baseline, size: run.size });
}

function continues(group: Group, run: Run): boolean {
  const size = Math.max(group.size, run.size);
  if (Math.abs(run.baseline - group.baseline) > SAME_LINE * Math.min(group.size, run.size))
    return false;
  if (Math.min(group.size, run.size) < 0.45 * size) return false;
  const gap = run.x - group.right;
  return gap <= WIDE_GAP * size && run.x >= group.x - 0.3 * size;
}

/**
 * Puts superscripts and subscripts, which stand on baselines of their own, into the segment they
 * touch. Scripts and hosts are both in order of baseline, so one moving window finds them.
 */
function attachScripts(groups: Group[]): Group[] {
  const gone = new Set<Group>();
  let from = 0;
  const sorted = [...groups].sort((a, b) => a.baseline - b.baseline || a.x - b.x);
  for (const script of sorted) {
    while (
      from < sorted.length &&
      (sorted[from]?.baseline ?? 0) < script.baseline - 2 * script.size
    )
      from += 1;
    const host = findHost(sorted, from, script, gone);
    if (host === undefined) continue;
    host.runs = [...host.runs, ...script.runs].sort((a, b) => a.x - b.x);
    host.x = Math.min(host.x, script.x);
    host.right = Math.max(host.right, script.right);
    gone.add(script);
  }
  return rejoin(groups.filter((group) => !gone.has(group)));
}

function findHost(
  sorted: readonly Group[],
  from: number,
  script: Group,
  gone: ReadonlySet<Group>,
): Group | undefined {
  const characters = script.runs.reduce((sum, run) => sum + run.text.length, 0);
  if (characters > 12) return undefined;
  let best: Group | undefined;
  let nearest = Infinity;
  for (let index = from; index < sorted.length; index += 1) {
    const host = sorted[index];
    if (host === undefined || host.baseline > script.baseline + 2 * script.size) break;
    if (host === script || gone.has(host) || script.size > SCRIPT_SIZE * host.size) continue;
    const rise = host.baseline - script.baseline;
    if (rise > 0.75 * host.size || rise < -0.4 * host.size) continue;
    const gap = Math.max(script.x - host.right, host.x - script.right, 0);
    if (gap <= 0.3 * host.size && gap < nearest) [best, nearest] = [host, gap];
  }
  return best;
}

/** A script between two words had kept them apart; with it in place they may touch. */
function rejoin(groups: Group[]): Group[] {
  const joined: Group[] = [];
  for (const group of groups) {
    const last = joined.at(-1);
    if (last?.baseline === group.baseline && continuesGroup(last, group)) {
      last.runs.push(...group.runs);
      last.right = Math.max(last.right, group.right);
    } else {
      joined.push(group);
    }
  }
  return joined;
}

function continuesGroup(last: Group, next: Group): boolean {
  const gap = next.x - last.right;
  return gap >= -0.3 * last.size && gap <= WIDE_GAP * Math.max(last.size, next.size);
}

function toSegment(group: Group): Segment {
  const size = mainSize(group.runs);
  const baseline = group.runs.find((run) => run.size === size)?.baseline ?? group.baseline;
  const { text, rtl } = runsText(group.runs, size, baseline);
  const plain = group.runs.filter(
    (run) => !isScript(run, size, baseline) && /[\p{L}\p{N}]/u.test(run.text),
  );
  const faces = plain.length > 0 ? plain : group.runs;
  return {
    text,
    x: group.x,
    right: group.right,
    baseline,
    size,
    rtl,
    bold: faces.every((run) => run.face.bold),
    italic: faces.every((run) => run.face.italic),
    mono: faces.every((run) => run.face.mono),
  };
}

function isScript(run: Run, size: number, baseline: number): boolean {
  return run.size <= SCRIPT_SIZE * size && Math.abs(run.baseline - baseline) > 0.07 * size;
}

function mainSize(runs: readonly Run[]): number {
  const weights = new Map<number, number>();
  for (const run of runs) weights.set(run.size, (weights.get(run.size) ?? 0) + run.text.length);
  let best = 0;
  let most = -1;
  for (const [size, weight] of weights) {
    if (weight > most || (weight === most && size > best)) [best, most] = [size, weight];
  }
  return best;
}
