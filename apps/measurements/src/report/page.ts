import { formatCount } from "cofferdam";
import { colourOf, dateChart, sampleChart } from "./charts.ts";
import type { ReportData } from "./collect.ts";
import { escapeHtml } from "./html.ts";

const style = `
  :root { color-scheme: light dark; --line: #8884; --muted: #777; }
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 940px; padding: 0 1rem; }
  h1 { font-size: 1.6rem; margin-bottom: 0; }
  h2 { font-size: 1.15rem; margin-top: 2.2rem; }
  .where { color: var(--muted); overflow-wrap: anywhere; margin-top: .2rem; }
  .figures { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1rem; margin: 1.5rem 0; }
  .figures div { border: 1px solid var(--line); border-radius: 8px; padding: .6rem .9rem; }
  .figures b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem; text-align: right; }
  th:first-child, td:first-child { text-align: left; }
  .scroll { max-height: 22rem; overflow: auto; }
  .scroll td:first-child { white-space: nowrap; }
  .wide { overflow-x: auto; }
  .wide svg { min-width: 640px; }
  .scroll th { position: sticky; top: 0; background: Canvas; }
  svg { width: 100%; height: auto; }
  svg text { font-size: 11px; fill: currentColor; }
  .rule { stroke: currentColor; stroke-opacity: .15; }
  .legend span { margin-right: 1.1rem; white-space: nowrap; }
  .legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; }
  .samples { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 1.2rem; }
  figure { margin: 0; }
  figcaption { color: var(--muted); font-size: .9rem; overflow-wrap: anywhere; }
  td:first-child { overflow-wrap: anywhere; }
  @media (max-width: 500px) { .figures { grid-template-columns: repeat(2, 1fr); } }
`;

const segmentTypes = ["forward_negative", "return_negative", "forward_positive", "return_positive"];

/** The report as one HTML file that loads nothing else. */
export function reportPage(data: ReportData): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Measurements: ${formatCount(data.staged)} files</title>
<style>${style}</style>
</head>
<body>
<h1>Measurements</h1>
<p class="where">${escapeHtml(data.stageRoot)} → ${escapeHtml(data.segmentsRoot)}</p>
${figures(data)}
<h2>Files by date and procedure</h2>
${legend(data.procedures)}
<div class="wide">${dateChart(data)}</div>
${dateTable(data)}
<h2>Rejected files, by reason</h2>
${reasonTable(data.rejectReasons, "No file was rejected.")}
<h2>Runs without segments, by reason</h2>
${reasonTable(data.runErrors, "Every run has segments.")}
<h2>Segments by type</h2>
${reasonTable(Object.entries(data.bySegmentType), "There are no segments.")}
<h2>Sample runs</h2>
${legend(segmentTypes)}
<div class="samples">
${data.samples.map((one) => `<figure>${sampleChart(one)}<figcaption>${escapeHtml(one.title)}</figcaption></figure>`).join("\n")}
</div>
</body>
</html>
`;
}

function figures(data: ReportData): string {
  const shown: [string, number][] = [
    ["files staged", data.staged],
    ["rows", data.rows],
    ["files rejected", data.rejected],
    [`${data.procedure} runs`, data.runs],
    ["runs without segments", data.refused],
    ["segments", data.segments],
  ];
  const boxes = shown.map(
    ([name, count]) => `<div><b>${formatCount(count)}</b>${escapeHtml(name)}</div>`,
  );
  return `<div class="figures">${boxes.join("")}</div>`;
}

function legend(names: readonly string[]): string {
  const entries = names.map(
    (name, index) =>
      `<span><i style="background:${colourOf(index)}"></i>${escapeHtml(name)}</span>`,
  );
  return `<p class="legend">${entries.join("")}</p>`;
}

function dateTable({ byDate, procedures }: ReportData): string {
  const head = ["date", ...procedures, "all"].map((name) => `<th>${escapeHtml(name)}</th>`);
  const row = (first: string, counts: readonly number[]): string => {
    const all = counts.reduce((total, count) => total + count, 0);
    const cells = [...counts, all].map((count) => `<td>${formatCount(count)}</td>`);
    return `<tr><td>${escapeHtml(first)}</td>${cells.join("")}</tr>`;
  };
  const totals = procedures.map((name) =>
    byDate.reduce((total, { counts }) => total + (counts[name] ?? 0), 0),
  );
  const rows = byDate.map(({ date, counts }) =>
    row(
      date,
      procedures.map((name) => counts[name] ?? 0),
    ),
  );
  return `<div class="scroll"><table><thead><tr>${head.join("")}</tr></thead><tbody>${row("all dates", totals)}${rows.join("")}</tbody></table></div>`;
}

function reasonTable(reasons: readonly (readonly [string, number])[], none: string): string {
  if (reasons.length === 0) return `<p>${none}</p>`;
  const rows = reasons.map(
    ([reason, count]) => `<tr><td>${escapeHtml(reason)}</td><td>${formatCount(count)}</td></tr>`,
  );
  return `<table><tbody>${rows.join("")}</tbody></table>`;
}
