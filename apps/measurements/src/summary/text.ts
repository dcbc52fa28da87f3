import { formatBytes, formatCount, formatDuration } from "cofferdam";
import type { Summary, SummaryRow } from "./summary.ts";

const nouns = { stage: ["files", "rows"], preprocess: ["runs", "segments"] } as const;
const reasonWords: Readonly<Record<string, string>> = {
  run: "done before the interruption",
};

/** The summary as people read it. Ends in a line break. */
export function summaryText(summary: Summary): string {
  const { stages, gapSeconds, gapShare } = summary;
  const lines = [
    ...table(stages),
    ...stages.flatMap(detailLines),
    ...(gapSeconds === null
      ? []
      : [`gap between the stages: ${formatDuration(gapSeconds * 1000)}${ofRun(gapShare)}`]),
    processLine(stages),
  ];
  return `${lines.join("\n")}\n`;
}

function ofRun(share: number | null): string {
  return share === null ? "" : ` (${(share * 100).toFixed(2)} % of the run)`;
}

function table(stages: readonly SummaryRow[]): string[] {
  const head = ["", "ok", "skipped", "rejected", "not done", "time", "rate"];
  const rows = stages.map((row) => [
    row.stage,
    formatCount(row.ok),
    formatCount(row.skipped),
    formatCount(row.rejected),
    formatCount(row.pending),
    formatDuration(row.seconds * 1000),
    `${formatCount(Math.round(row.perSecond))}/s`,
  ]);
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}

function detailLines({ stage, produced, rejections, reasons, total }: SummaryRow): string[] {
  const [inputs, outputs] = nouns[stage];
  const why = listCounts(reasons, (reason) => reasonWords[reason] ?? reason);
  const rejected = listCounts(rejections, (code) => code);
  return [
    `${stage}: ${formatCount(total)} ${inputs} (${why}) → ${formatCount(produced)} ${outputs}`,
    ...(rejected === "" ? [] : [`${stage}: rejected: ${rejected}`]),
  ];
}

function listCounts(
  counts: Readonly<Record<string, number>>,
  word: (key: string) => string,
): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([key, count]) => `${formatCount(count)} ${word(key)}`)
    .join(", ");
}

function processLine(stages: readonly SummaryRow[]): string {
  const sum = (of: (row: SummaryRow) => number): number =>
    stages.reduce((total, row) => total + of(row), 0);
  const left = sum((row) => row.processesLeft);
  const started = formatCount(sum((row) => row.processesStarted));
  const how = stages.every((row) => row.verified) ? "verified" : "not verified";
  const peak = Math.max(0, ...stages.map((row) => row.peakMemoryBytes));
  const memory = peak > 0 ? ` · peak ${formatBytes(peak)}` : "";
  return `${started} processes started · ${left} left (${how})${memory}`;
}
