import { splitPages } from "../pages/page-markers.ts";
import { splitSentences } from "./sentences.ts";

export type UnitType = "heading" | "code" | "table" | "list" | "paragraph" | "sentence";

/** A piece of text that belongs together. Sizes and positions are in characters (code points). */
export interface Unit {
  readonly type: UnitType;
  readonly text: string;
  readonly size: number;
  /** Where it stands on its page. */
  readonly page: number;
  /** What follows it when it is joined to the next. */
  readonly separator: " " | "\n\n";
}

/** A longer paragraph is split into sentences. */
const wholeParagraphMax = 300;

/** The units of a text with page markers, in order. Of a page's text, each stands on that page. */
export function toUnits(marked: string, sizeMax: number): Unit[] {
  const units: Unit[] = [];
  for (const { page, text } of splitPages(marked)) {
    for (const block of splitBlocks(text)) {
      const type = typeOf(block);
      const size = countCharacters(block);
      if (size <= wholeParagraphMax || (type !== "paragraph" && type !== "list"))
        units.push({ type, text: block, size, page, separator: "\n\n" });
      else units.push(...toSentences(block, page, sizeMax));
    }
  }
  return units;
}

function toSentences(block: string, page: number, sizeMax: number): Unit[] {
  const sentences = splitSentences(block).flatMap((sentence) => cutLong(sentence, sizeMax));
  return sentences.map((text, index) => ({
    type: "sentence",
    text,
    size: countCharacters(text),
    page,
    separator: index === sentences.length - 1 ? "\n\n" : " ",
  }));
}

/** What has no end of a sentence for so long is cut between words, or anywhere where there are none. */
function cutLong(sentence: string, sizeMax: number): string[] {
  const characters = Array.from(sentence);
  const parts: string[] = [];
  for (let from = 0; from < characters.length;) {
    const rest = characters.length - from;
    const space = characters.lastIndexOf(" ", from + sizeMax);
    const to = rest <= sizeMax ? characters.length : space > from ? space : from + sizeMax;
    parts.push(characters.slice(from, to).join("").trim());
    from = to;
  }
  return parts.filter((part) => part !== "");
}

/** Blocks between blank lines; a fence keeps its blank lines. */
function splitBlocks(text: string): string[] {
  const blocks: string[][] = [[]];
  let fence: string | null = null;
  for (const line of text.split("\n")) {
    const mark: string | undefined = /^\s*(`{3,}|~{3,}|\$\$)/u.exec(line)?.[1];
    if (fence !== null) {
      if (line.trim() === fence || (fence === "$$" && line.trimEnd().endsWith("$$"))) fence = null;
    } else if (mark !== undefined && !isClosedInLine(line, mark)) {
      fence = mark;
    } else if (line.trim() === "") {
      blocks.push([]);
      continue;
    }
    blocks.at(-1)?.push(line);
  }
  return blocks.map((lines) => lines.join("\n").trim()).filter((block) => block !== "");
}

function isClosedInLine(line: string, mark: string): boolean {
  return line.trim().length > mark.length && line.trimEnd().endsWith(mark);
}

function typeOf(block: string): UnitType {
  const lines = block.split("\n");
  const share = (pattern: RegExp): number =>
    lines.filter((line) => pattern.test(line)).length / lines.length;
  if (/^#{1,6}\s/u.test(block)) return "heading";
  if (/^(?:`{3,}|~{3,}|\$\$)/u.test(block)) return "code";
  if (lines.length > 1 && share(/\|/u) >= 0.5) return "table";
  if (share(/^\s*(?:[-*+]|\d+\.)\s/u) >= 0.5) return "list";
  return "paragraph";
}

/** Characters as people and Python count them: code points. */
export function countCharacters(text: string): number {
  return text.length - (text.match(/[\u{10000}-\u{10FFFF}]/gu)?.length ?? 0);
}
