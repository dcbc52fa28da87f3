import type PDFDocument from "pdfkit";
import type { FontName } from "./fonts.ts";
import type { SetLine } from "./lines.ts";
import type { Piece, Word } from "./words.ts";

type Pdf = InstanceType<typeof PDFDocument>;

/** What is drawn in one go: neighbouring words of one font, with the spaces between them. */
interface Stretch {
  text: string;
  readonly piece: Piece;
  readonly x: number;
  spaces: number;
}

/** Draws one line of type with its baseline at `y`. */
export function drawLine(pdf: Pdf, line: SetLine, x: number, y: number, size: number): void {
  const words = visualOrder(line.words);
  const rtl = words.length > 0 && words.filter((word) => word.arabic).length * 2 > words.length;
  const main = line.words[0]?.pieces[0]?.font ?? "Times-Roman";
  const space = pdf.font(main).fontSize(size).widthOfString(" ");
  const gaps = words.slice(0, -1).filter((word) => word.spaceAfter).length;
  const natural = words.reduce((sum, word) => sum + word.width, 0) + gaps * space;
  const left = line.measure - natural;
  const justify = line.alignment === "justified" && !line.last && gaps > 0 && !rtl;
  const stretch = justify ? left / gaps : 0;
  let start = x + line.indent;
  if (line.alignment === "centred") start += left / 2;
  if (rtl) start = x + left;
  for (const part of stretches(words, start, space, stretch)) drawStretch(pdf, part, y, stretch);
}

/** Words of right-to-left script stand from right to left; within other text, as a group. */
function visualOrder(words: readonly Word[]): readonly Word[] {
  if (!words.some((word) => word.arabic)) return words;
  if (words.filter((word) => word.arabic).length * 2 > words.length)
    return [...words].reverse().map(spaced);
  const ordered: Word[] = [];
  let group: Word[] = [];
  for (const word of words) {
    if (word.arabic) {
      group.unshift(word);
      continue;
    }
    ordered.push(...group, word);
    group = [];
  }
  return [...ordered, ...group].map(spaced);
}

function spaced(word: Word): Word {
  return { ...word, spaceAfter: true };
}

function stretches(words: readonly Word[], start: number, space: number, extra: number): Stretch[] {
  const result: Stretch[] = [];
  let x = start;
  let spaceBefore = false;
  for (const word of words) {
    if (spaceBefore) x += space + extra;
    for (const [index, piece] of word.pieces.entries()) {
      const last = result.at(-1);
      const alike =
        last?.piece.font === piece.font &&
        last.piece.size === piece.size &&
        last.piece.rise === piece.rise;
      // Arabic is drawn word by word: the shaper turns round what it is given as a whole.
      if (last !== undefined && alike && !word.arabic && (index > 0 || last.text !== "")) {
        const gap = index === 0 && spaceBefore ? " " : "";
        last.text += gap + piece.text;
        last.spaces += gap.length;
      } else {
        result.push({ text: piece.text, piece, x, spaces: 0 });
      }
      x += piece.width;
    }
    spaceBefore = word.spaceAfter;
  }
  return result;
}

function drawStretch(pdf: Pdf, stretch: Stretch, y: number, wordSpacing: number): void {
  const { font, size, rise } = stretch.piece;
  put(pdf, stretch.text, font, size, stretch.x, y - rise, stretch.spaces > 0 ? wordSpacing : 0);
}

/** Puts a string with the start of its baseline at (x, y). */
export function put(
  pdf: Pdf,
  text: string,
  font: FontName,
  size: number,
  x: number,
  y: number,
  wordSpacing = 0,
): void {
  pdf
    .font(font)
    .fontSize(size)
    .text(text, x, y, { lineBreak: false, baseline: "alphabetic", wordSpacing });
}
