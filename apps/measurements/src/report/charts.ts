import { escapeHtml } from "./html.ts";
import type { ReportData, Sample } from "./collect.ts";

/** Colours that people with colour blindness can tell apart (Okabe and Ito). */
const palette = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#8a8a8a",
  "#222222",
];

/** Of one date, when there are few. */
const widestBar = 60;

export function colourOf(index: number): string {
  return palette[index % palette.length] ?? "#222222";
}

/** Files of each date as a bar, by procedure. */
export function dateChart({ byDate, procedures }: ReportData): string {
  const [width, height, left, bottom, top] = [920, 260, 48, 34, 8];
  const most = Math.max(1, ...byDate.map(({ counts }) => sum(Object.values(counts))));
  const step = Math.min(widestBar, (width - left) / Math.max(1, byDate.length));
  const scale = (height - bottom - top) / most;
  const bars = byDate.map(({ date, counts }, index) => {
    let base = height - bottom;
    const parts = procedures.map((procedure, kind) => {
      const size = (counts[procedure] ?? 0) * scale;
      base -= size;
      return size === 0
        ? ""
        : `<rect x="${fixed(left + index * step)}" y="${fixed(base)}" width="${fixed(Math.max(1, step - 1))}" height="${fixed(size)}" fill="${colourOf(kind)}"/>`;
    });
    const lines = procedures
      .filter((one) => counts[one])
      .map((one) => `${one}: ${counts[one] ?? 0}`);
    return `<g><title>${escapeHtml([date, ...lines].join("\n"))}</title>${parts.join("")}</g>`;
  });
  const every = Math.max(1, Math.ceil(byDate.length / 8));
  const dates = byDate
    .map(({ date }, index) => ({ date, x: left + (index + 0.5) * step, index }))
    .filter(({ index }) => index % every === 0)
    .map(({ date, x }) => label(x, height - 12, escapeHtml(date), "start"));
  const rules = niceTicks(0, most, 4).map((value) => {
    const y = height - bottom - value * scale;
    return `<line x1="${left}" x2="${width}" y1="${fixed(y)}" y2="${fixed(y)}" class="rule"/>${label(left - 6, y + 4, String(value), "end")}`;
  });
  return svg(width, height, "Files by date and procedure", [...rules, ...bars, ...dates]);
}

/** A run's segments: what was measured over the voltage. */
export function sampleChart({ title, xName, yName, curves }: Sample): string {
  const [width, height, left, right, top, bottom] = [440, 300, 66, 10, 10, 40];
  const points = curves.flatMap((curve) => curve.points);
  const xs = extent(points.map(([x]) => x));
  const ys = extent(points.map(([, y]) => y));
  const toX = (x: number): number =>
    left + ((x - xs.low) / (xs.high - xs.low)) * (width - left - right);
  const toY = (y: number): number =>
    height - bottom - ((y - ys.low) / (ys.high - ys.low)) * (height - top - bottom);
  const lines = curves.map(({ type, points: own }, index) => {
    const path = own.map(([x, y]) => `${fixed(toX(x))},${fixed(toY(y))}`).join(" ");
    return `<polyline points="${path}" fill="none" stroke="${colourOf(index)}" ${strokeOf(type)}><title>${escapeHtml(type)}</title></polyline>`;
  });
  const xRules = niceTicks(xs.low, xs.high, 5).map(
    (value) =>
      `<line x1="${fixed(toX(value))}" x2="${fixed(toX(value))}" y1="${top}" y2="${height - bottom}" class="rule"/>${label(toX(value), height - bottom + 15, tick(value), "middle")}`,
  );
  const yRules = niceTicks(ys.low, ys.high, 5).map(
    (value) =>
      `<line x1="${left}" x2="${width - right}" y1="${fixed(toY(value))}" y2="${fixed(toY(value))}" class="rule"/>${label(left - 5, toY(value) + 4, tick(value), "end")}`,
  );
  const names = [
    label((left + width - right) / 2, height - 6, escapeHtml(xName), "middle"),
    `<text transform="translate(12 ${(height - bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yName)}</text>`,
  ];
  return svg(width, height, title, [...xRules, ...yRules, ...lines, ...names]);
}

/** The way back lies on the way there: thin on broad, both are seen. */
function strokeOf(type: string): string {
  return type.startsWith("return") ? `stroke-width="2"` : `stroke-width="5" stroke-opacity=".45"`;
}

function svg(width: number, height: number, title: string, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">${parts.join("")}</svg>`;
}

function label(x: number, y: number, text: string, anchor: string): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}">${text}</text>`;
}

/** Round numbers between two bounds. */
export function niceTicks(low: number, high: number, about: number): number[] {
  const rough = (high - low) / about;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * size >= rough) ?? 10) * size;
  const ticks: number[] = [];
  for (let index = Math.ceil(low / step); index * step <= high + step * 1e-9; index++)
    ticks.push(Number((index * step).toPrecision(12)));
  return ticks;
}

function tick(value: number): string {
  const size = Math.abs(value);
  return value === 0 || (size >= 0.001 && size < 10_000) ? String(value) : value.toExponential(0);
}

function extent(values: readonly number[]): { low: number; high: number } {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return { low: 0, high: 1 };
  return low === high ? { low: low - 1, high: high + 1 } : { low, high };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function fixed(value: number): string {
  return value.toFixed(1);
}
