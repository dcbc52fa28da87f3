import { breakPoints } from "./hyphenate.ts";
import type { Measure, TextStyle, Word } from "./words.ts";
import { toWord, toWords } from "./words.ts";

export type Alignment = "justified" | "ragged" | "centred";

/** A line of type, ready to be drawn. */
export interface SetLine {
  readonly words: readonly Word[];
  readonly indent: number;
  /** The width it is to fill, without the indent. */
  readonly measure: number;
  readonly alignment: Alignment;
  readonly last: boolean;
}

export interface ParagraphStyle extends TextStyle {
  readonly alignment: Alignment;
  readonly hyphenate: boolean;
  readonly firstIndent: number;
  readonly indent: number;
}

/** Breaks a text into lines, each as full as it can be. */
export function setParagraph(
  text: string,
  width: number,
  style: ParagraphStyle,
  measure: Measure,
): SetLine[] {
  const space = measure(" ", style.font, style.size);
  const queue = toWords(text, style, measure);
  const lines: SetLine[] = [];
  let words: Word[] = [];
  let used = 0;
  const indentOf = (): number => (lines.length === 0 ? style.firstIndent : style.indent);
  const flush = (last: boolean): void => {
    const indent = indentOf();
    lines.push({ words, indent, measure: width - indent, alignment: style.alignment, last });
    words = [];
    used = 0;
  };
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    const room = width - indentOf() - used;
    if (word.width <= room) {
      words.push(word);
      used += word.width + (word.spaceAfter ? space : 0);
      continue;
    }
    const halves = style.hyphenate ? breakWord(word, room, style, measure) : undefined;
    if (halves !== undefined) {
      words.push(halves[0]);
      queue.unshift(halves[1]);
    } else {
      // A word wider than the line is set alone, sticking out.
      if (words.length === 0) words.push(word);
      else queue.unshift(word);
    }
    flush(queue.length === 0 && halves === undefined && words.length === 0);
  }
  if (words.length > 0) flush(true);
  return lines;
}

/** The longest first half that fits with its hyphen, and the rest. */
function breakWord(
  word: Word,
  room: number,
  style: TextStyle,
  measure: Measure,
): [Word, Word] | undefined {
  const piece = word.pieces[0];
  if (word.pieces.length !== 1 || piece === undefined) return undefined;
  const { text } = piece;
  const real = [...text.matchAll(/(?<=[a-z])-(?=[a-z]{3})/giu)].map((match) => match.index + 1);
  const points = [...breakPoints(text), ...real].sort((a, b) => b - a);
  for (const at of points) {
    const head = text.slice(0, at) + (real.includes(at) ? "" : "-");
    if (measure(head, piece.font, piece.size) > room) continue;
    return [
      toWord(head, false, style, measure),
      toWord(text.slice(at), word.spaceAfter, style, measure),
    ];
  }
  return undefined;
}
