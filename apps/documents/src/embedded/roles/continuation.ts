import type { TextBlock } from "../model.ts";

const CAPTION =
  /^(?:Figure|Fig\.|Table|Listing|Algorithm|Chart|Plate|Abbildung|Tabelle|Tableau)\s+[\dIVX]+(?:\.\d+)*\s*[.:–—-]/iu;
const SENTENCE_END = /[.!?:;…。！？؟]["'”’»)\]\uE001]*(?:\uE000[^\uE001]*\uE001)?$/u;

/** A figure's or table's caption stands between, not in, the text around it. */
export function isCaption(text: string): boolean {
  return CAPTION.test(text);
}

/** Whether `next` is set in other type than the unfinished `last`, and so stands beside it. */
export function isAside(last: TextBlock, next: TextBlock): boolean {
  if (SENTENCE_END.test(last.lines.at(-1)?.text ?? "")) return false;
  return Math.abs(last.size - next.size) > 0.08 * last.size || last.mono !== next.mono;
}

/** Whether `next`, in another region, continues the sentence `last` broke off. */
export function goesOn(last: TextBlock, next: TextBlock): boolean {
  const before = last.lines.at(-1);
  const after = next.lines[0];
  if (before === undefined || after === undefined || next.marker !== undefined) return false;
  if (Math.abs(last.size - next.size) > 0.08 * last.size || last.mono !== next.mono) return false;
  if (SENTENCE_END.test(before.text)) return false;
  const lower = /^["'“‘(]?\p{Ll}/u.test(after.text);
  if (lower) return last.region !== next.region || /[\p{L},-]$/u.test(before.text);
  if (last.region === next.region) return false;
  // A capital, a number or another script: it goes on if the line before was full, and this one
  // starts no indented paragraph.
  const width = last.regionRight - last.regionLeft;
  const full =
    last.lines.length > 1 &&
    (before.rtl ? before.x - last.regionLeft : last.regionRight - before.right) < 0.15 * width;
  const indented = after.x - next.regionLeft > 0.75 * after.size;
  return full && !indented;
}
