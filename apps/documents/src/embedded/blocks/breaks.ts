import type { Line } from "../model.ts";
import { UNSPACED } from "../lines/run-text.ts";
import { SCRIPT } from "../model.ts";
import { readMarker, sectionDepth } from "./markers.ts";

/** What the decision between two lines rests on. */
export interface BreakContext {
  readonly lines: readonly Line[];
  /** The lines of the block so far, of which the last is the one before. */
  readonly block: readonly Line[];
  readonly index: number;
  readonly left: number;
  readonly right: number;
  readonly leading: number;
  readonly bodySize: number;
}

const SENTENCE_END = /[.!?:…。！？؟]["'”’»)\]]*$/u;

/** Whether the line at `index` starts a new block. */
export function startsBlock(context: BreakContext): boolean {
  const line = context.lines[context.index];
  const previous = context.block.at(-1);
  const first = context.block[0];
  if (line === undefined || previous === undefined || first === undefined) return true;
  if (Math.abs(line.size - previous.size) > 0.08 * Math.max(line.size, previous.size)) return true;
  if (line.mono !== previous.mono && (line.mono ? line : previous).text.length > 3) return true;
  const distance = line.baseline - previous.baseline;
  const usual = Math.max(context.leading, line.size);
  if (distance > 1.32 * usual) return true;
  if (line.mono && previous.mono) return false;
  if (line.bold !== previous.bold && (context.block.length === 1 || line.bold)) return true;
  if (isHeadingLike(line, context))
    return sectionDepth(line.text) !== undefined && sectionDepth(first.text) !== undefined;
  return (
    startsItem(context, line, previous, first) ||
    isIndented(context, line, previous, first) ||
    endsShort(context, line, previous)
  );
}

function isHeadingLike(line: Line, context: BreakContext): boolean {
  return line.size > 1.12 * context.bodySize || line.bold;
}

function startsItem(context: BreakContext, line: Line, previous: Line, first: Line): boolean {
  const marker = readMarker(line.text);
  if (/^\[\d{1,3}\]\s/u.test(line.text) && /^\[\d{1,3}\]\s/u.test(first.text)) return true;
  if (startsNote(line.text) && startsNote(first.text)) return true;
  if (marker === undefined) return false;
  const firstMarker = readMarker(first.text);
  // A dash may begin a line of prose by chance; a list's dash stands where the list's others do,
  // or after a line that ended.
  if (marker.kind === "bullet" && !/^[-–—*·]$/u.test(marker.label)) return true;
  if (firstMarker?.kind === marker.kind)
    return Math.abs(line.x - first.x) < 0.8 * line.size || line.x > first.x + 0.8 * line.size;
  return (
    SENTENCE_END.test(previous.text) ||
    Math.abs(line.x - previous.x) > 0.6 * line.size ||
    hasRoom(context, line, previous)
  );
}

/** A raised sign at the start of a line: a footnote's. */
function startsNote(text: string): boolean {
  return text.startsWith(SCRIPT.supOpen);
}

function isIndented(context: BreakContext, line: Line, previous: Line, first: Line): boolean {
  if (line.rtl) return isIndentedFromRight(line, previous, first);
  // An item goes on under its text, or at its marker; what stands further out is not the item's.
  if (readMarker(first.text) !== undefined && line.x < first.x - 0.15 * line.size) return true;
  const step = line.x - previous.x;
  const wide = 0.75 * line.size;
  if (step < -wide) {
    // Back out: after a first line's indent the paragraph goes on, after a hanging one it ends.
    return context.block.length > 1 || readMarker(first.text) !== undefined;
  }
  if (step <= wide) return false;
  if (readMarker(previous.text) !== undefined || /^\[\d{1,3}\]/u.test(previous.text)) return false;
  const next = context.lines[context.index + 1];
  const hangs =
    context.block.length === 1 &&
    next !== undefined &&
    Math.abs(next.x - line.x) < 0.3 * line.size &&
    next.baseline - line.baseline <= 1.32 * context.leading &&
    !hasRoom(context, line, previous);
  return !hangs;
}

function isIndentedFromRight(line: Line, previous: Line, first: Line): boolean {
  const step = previous.right - line.right;
  return step > 0.75 * line.size && Math.abs(first.right - previous.right) < 0.3 * line.size;
}

/** The line before had room for this line's first word and did not take it. */
function endsShort(context: BreakContext, line: Line, previous: Line): boolean {
  if (!hasRoom(context, line, previous)) return false;
  if (SENTENCE_END.test(previous.text)) return true;
  return previous.right - previous.x < 0.6 * (context.right - context.left);
}

function hasRoom(context: BreakContext, line: Line, previous: Line): boolean {
  const firstWord = UNSPACED.test(line.text.slice(0, 1))
    ? 1
    : (/^\S+/u.exec(line.text)?.[0].length ?? 0);
  const characters = Math.max(line.text.length, 1);
  const width = ((line.right - line.x) / characters) * (firstWord + 1);
  const room = line.rtl ? previous.x - context.left : context.right - previous.right;
  return room > width + 0.8 * line.size;
}
