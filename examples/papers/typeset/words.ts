import type { EastAsian, FontName } from "./fonts.ts";
import { fontFor, isArabic, isEastAsian } from "./fonts.ts";

/** A stretch of one font at one size; `rise` lifts it off the baseline, in points. */
export interface Piece {
  readonly text: string;
  readonly font: FontName;
  readonly size: number;
  readonly rise: number;
  readonly width: number;
}

/** What a line is made of. East Asian characters are words of their own, with no space after. */
export interface Word {
  readonly pieces: readonly Piece[];
  readonly width: number;
  readonly spaceAfter: boolean;
  readonly arabic: boolean;
  /** Labels of the footnotes it refers to. */
  readonly notes: readonly string[];
}

export interface TextStyle {
  readonly font: FontName;
  readonly size: number;
  readonly eastAsian: EastAsian;
  /** The paragraph runs from right to left. */
  readonly rtl?: boolean;
}

export type Measure = (text: string, font: FontName, size: number) => number;

/** Cuts marked-up text into words. */
export function toWords(text: string, style: TextStyle, measure: Measure): Word[] {
  const words: Word[] = [];
  const directed = { ...style, rtl: isArabic(text.slice(0, 1)) };
  for (const token of text.split(" ")) {
    const units = splitEastAsian(token);
    for (const [index, unit] of units.entries()) {
      words.push(toWord(unit, index === units.length - 1, directed, measure));
    }
  }
  return words;
}

/** Every East Asian character alone, closing punctuation with the one before it. */
function splitEastAsian(token: string): string[] {
  if (!isEastAsian(token)) return [token];
  const units: string[] = [];
  let previous = "";
  for (const char of token) {
    const closing = /[、。，．！？）」』：；”’]/u.test(char);
    const opening = /[（「『“‘]/u.test(previous);
    const joins =
      closing || opening || (!isEastAsian(char) && previous !== "" && !isEastAsian(previous));
    if (joins && units.length > 0) units.push((units.pop() ?? "") + char);
    else units.push(char);
    previous = char;
  }
  return units;
}

export function toWord(
  text: string,
  spaceAfter: boolean,
  style: TextStyle,
  measure: Measure,
): Word {
  const notes: string[] = [];
  const pieces: Piece[] = [];
  for (const [, note, raised, lowered, plain] of text.matchAll(
    /\[\^([^\]]+)\]|<sup>(.*?)<\/sup>|<sub>(.*?)<\/sub>|((?:\\.|[^<[]|\[(?!\^)|<(?!su[bp]>))+)/gu,
  )) {
    if (note !== undefined) notes.push(note);
    const script = note ?? raised ?? lowered;
    const rise = lowered === undefined ? 0.34 * style.size : -0.14 * style.size;
    if (script !== undefined)
      pieces.push(...toPieces(script, style, 0.66 * style.size, rise, measure));
    if (plain !== undefined)
      pieces.push(...toPieces(plain.replace(/\\(?=.)/gu, ""), style, style.size, 0, measure));
  }
  const arabic = isArabic(text);
  return {
    // A full stop from another font stands to the left of the Arabic word it ends.
    pieces: arabic && style.rtl === true ? pieces.reverse() : pieces,
    width: pieces.reduce((sum, piece) => sum + piece.width, 0),
    spaceAfter,
    arabic,
    notes,
  };
}

function toPieces(
  text: string,
  style: TextStyle,
  size: number,
  rise: number,
  measure: Measure,
): Piece[] {
  const pieces: { text: string; font: FontName }[] = [];
  for (const char of text) {
    const last = pieces.at(-1);
    const font = fontFor(char, style.font, style.eastAsian);
    if (last?.font === font) last.text += char;
    else pieces.push({ text: char, font });
  }
  return pieces.map((piece) => ({
    ...piece,
    size,
    rise,
    width: measure(piece.text, piece.font, size),
  }));
}
