import { formatCount, formatDuration, formatRate } from "../units/index.ts";
import type { Colour, Paint } from "./colour.ts";
import { escapeForTerminal } from "./escape.ts";
import type { Progress } from "./progress.ts";
import { boundText, displayWidth, shorten } from "./width.ts";

export interface BarOptions {
  readonly columns: number;
  /** Of a pipeline: how many stages there is room for. */
  readonly bars: number;
  /** Shows the names of running items on a second line. */
  readonly withNames: boolean;
  readonly signs: BarSigns;
  readonly paint: Paint;
  readonly at: number;
}

/** What a bar is drawn with, each one column wide but the separator and the ellipsis. */
export interface BarSigns {
  readonly full: string;
  readonly empty: string;
  readonly separator: string;
  readonly ellipsis: string;
}

export const UNICODE_SIGNS: BarSigns = { full: "━", empty: "─", separator: " · ", ellipsis: "…" };

export const ASCII_SIGNS: BarSigns = { full: "#", empty: "-", separator: ", ", ellipsis: "..." };

interface Part {
  readonly text: string;
  readonly colour?: Colour;
  readonly level: number;
}

/** What is left out of a line that is too long: the highest first. How much, and what failed, stay. */
const LEVEL = { title: 5, rate: 4, left: 3, bar: 2, percent: 1, stays: 0 };

const BAR_MIN = 8;
const BAR_MAX = 40;
const GAP = "  ";
/** Names shorter than this say nothing. */
const NAME_MIN = 14;

/** The lines of one frame, each narrower than the terminal; the first column stays blank. */
export function drawBar(progress: Progress, options: BarOptions): string[] {
  // One column for the cursor that rests on the left, one never touched on the right: a line that
  // fills the last column makes some terminals wrap and others not.
  const columns = options.columns - 2;
  if (columns < 1) return [""];
  const bars = progress.stages.size > 1 ? [...progress.stages.values()] : [progress];
  const lines = bars.slice(0, options.bars).map((bar) => statusLine(bar, columns, options));
  if (options.withNames) lines.push(namesLine(progress.running, columns, options));
  return lines.map((line) => (line === "" ? "" : ` ${line}`));
}

function statusLine(progress: Progress, columns: number, options: BarOptions): string {
  const { paint } = options;
  const parts = statusParts(progress, options);
  const hasBar = progress.totalIsFinal && progress.total > 0;
  let barMin = hasBar ? BAR_MIN + GAP.length : 0;
  const width = () =>
    parts.reduce((sum, part) => sum + displayWidth(part.text) + GAP.length, barMin - GAP.length);
  for (let level = LEVEL.title; level > 0 && width() > columns; level -= 1) {
    if (level === LEVEL.bar) barMin = 0;
    const found = parts.findIndex((part) => part.level === level);
    if (found >= 0) parts.splice(found, 1);
  }
  let left = columns;
  const shown: string[] = [];
  for (const { text: whole, colour } of parts) {
    // The count is cut where not even it fits; half of anything else says nothing.
    const text = shown.length === 0 ? shorten(whole, left, options.signs.ellipsis) : whole;
    if (displayWidth(text) > left) continue;
    left -= displayWidth(text) + GAP.length;
    shown.push(colour ? paint(colour, text) : text);
  }
  if (barMin > 0) {
    // `left` counts a gap after the last part: the one between the bar and the parts.
    const size = Math.min(BAR_MAX, left);
    const where = parts[0]?.level === LEVEL.title ? 1 : 0;
    shown.splice(where, 0, drawFilled(progress.finished / progress.total, size, options));
  }
  return shown.join(GAP);
}

function statusParts(progress: Progress, { at, signs }: BarOptions): Part[] {
  const { finished, total, totalIsFinal, failures } = progress;
  const rate = progress.rate(at);
  const left = progress.left(at);
  const parts: Part[] = [];
  if (progress.title !== "") {
    const title = shorten(escapeForTerminal(progress.title), 24, signs.ellipsis);
    parts.push({ text: title, colour: "bold", level: LEVEL.title });
  }
  const count = `${formatCount(finished)}/${formatCount(total)}${totalIsFinal ? "" : "+"}`;
  parts.push({ text: count, level: LEVEL.stays });
  const percent = percentage(progress);
  if (percent !== undefined) parts.push({ text: `${percent}%`, level: LEVEL.percent });
  if (failures > 0) {
    parts.push({ text: `${formatCount(failures)} failed`, colour: "red", level: LEVEL.stays });
  }
  if (rate !== undefined) parts.push({ text: formatRate(rate), colour: "dim", level: LEVEL.rate });
  if (left !== undefined) parts.push({ text: `${formatLeft(left)} left`, level: LEVEL.left });
  return parts;
}

/** Rounded down: 100 only when all are finished. `undefined` while the total still grows. */
export function percentage(progress: Progress): number | undefined {
  if (!progress.totalIsFinal || progress.total === 0) return undefined;
  return Math.floor((progress.finished / progress.total) * 100);
}

/** As `formatDuration`, but no fractions of a second: they would flicker, and are not known. */
export function formatLeft(ms: number): string {
  return ms < 59_500 ? `${Math.max(1, Math.round(ms / 1000))} s` : formatDuration(ms);
}

function drawFilled(ratio: number, size: number, options: BarOptions): string {
  const filled = Math.floor(Math.min(1, ratio) * size);
  const { full, empty } = options.signs;
  return (
    options.paint("green", full.repeat(filled)) + options.paint("dim", empty.repeat(size - filled))
  );
}

function namesLine(running: ReadonlySet<string>, columns: number, options: BarOptions): string {
  const { separator, ellipsis } = options.signs;
  // Room for "+1,234" is kept aside once not all fit.
  const fits = (count: number) => count * (NAME_MIN + separator.length) <= columns - 6;
  let count = Math.min(running.size, 8);
  while (count > 1 && !fits(count)) count -= 1;
  const names = [...running].slice(0, count).map((name) => escapeForTerminal(boundText(name)));
  const more = running.size - count;
  const moreText = more > 0 ? `${separator}+${formatCount(more)}` : "";
  const suffix = displayWidth(moreText) < columns / 2 ? moreText : "";
  let room = columns - displayWidth(suffix) - separator.length * (count - 1);
  // The shorter ones leave what they do not need to the others.
  const shares = new Map<number, string>();
  const byWidth = names.map((name, index) => ({ index, name, width: displayWidth(name) }));
  byWidth.sort((a, b) => a.width - b.width);
  for (const [position, { index, name }] of byWidth.entries()) {
    const text = shorten(name, Math.floor(room / (count - position)), ellipsis);
    room -= displayWidth(text);
    shares.set(index, text);
  }
  const line = names.map((_name, index) => shares.get(index)).join(separator) + suffix;
  return line === "" ? "" : options.paint("dim", line);
}
