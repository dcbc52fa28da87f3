import { least } from "../extremes.ts";
import type { Vocabulary } from "../blocks/join-lines.ts";
import { joinLines, joinTexts } from "../blocks/join-lines.ts";
import type { Block, Element, Line, TextBlock } from "../model.ts";
import { findFootnotes, readNoteStart } from "./footnotes.ts";
import { findHeadings } from "./headings.ts";
import type { DocumentStats } from "../blocks/stats.ts";
import { goesOn, isAside, isCaption } from "./continuation.ts";
import { itemDepths } from "./list-depth.ts";

export interface ElementOptions {
  readonly stats: DocumentStats;
  readonly vocabulary: Vocabulary;
  /** Join a sentence that goes on over a page break. */
  readonly acrossPages: boolean;
}

/** The last paragraph or item, while it may still go on somewhere else. */
interface Open {
  readonly block: TextBlock;
  readonly index: number;
}

/** Gives every block its role, and joins what column and page breaks have cut. */
export function toElements(blocks: readonly Block[], options: ElementOptions): Element[] {
  const notes = findFootnotes(blocks, options.stats.bodySize);
  const headings = findHeadings(
    blocks.filter((block) => block.kind === "table" || !notes.has(block)),
    options.stats,
  );
  const depths = itemDepths(blocks);
  const elements: Element[] = [];
  let open: Open | undefined;
  for (const block of blocks) {
    if (block.kind === "table") {
      elements.push({ kind: "table", page: block.page, rows: block.rows });
      continue;
    }
    const text = joinLines(
      block.lines.map((line) => line.text),
      options.vocabulary,
    );
    const level = headings.get(block);
    if (notes.has(block)) {
      elements.push(toFootnote(block, text));
    } else if (level !== undefined) {
      elements.push({ kind: "heading", page: block.page, level, text });
      open = undefined;
    } else if (block.mono && isCode(block.lines)) {
      elements.push({ kind: "code", page: block.page, text: codeText(block) });
    } else if (isCaption(text)) {
      elements.push({ kind: "paragraph", page: block.page, text });
    } else if (
      open !== undefined &&
      (options.acrossPages || open.block.page === block.page) &&
      goesOn(open.block, block)
    ) {
      open = { block, index: extend(elements, open.index, text, options.vocabulary) };
    } else {
      elements.push(toBody(block, text, depths.get(block) ?? 0, options.vocabulary));
      // A notice or a figure's words, in other type, do not end a sentence that is still open.
      if (open === undefined || !isAside(open.block, block))
        open = { block, index: elements.length - 1 };
    }
  }
  return elements;
}

function extend(elements: Element[], index: number, text: string, vocabulary: Vocabulary): number {
  const element = elements[index];
  if (element?.kind === "paragraph" || element?.kind === "item") {
    elements[index] = { ...element, text: joinTexts(element.text, text, vocabulary) };
  }
  return index;
}

function toFootnote(block: TextBlock, text: string): Element {
  const start = readNoteStart(text);
  return {
    kind: "footnote",
    page: block.page,
    label: start?.label ?? "",
    text: text.slice(start?.length ?? 0),
  };
}

function toBody(block: TextBlock, text: string, depth: number, vocabulary: Vocabulary): Element {
  const { marker, page } = block;
  if (marker === undefined) return { kind: "paragraph", page, text };
  const lines = [marker.rest, ...block.lines.slice(1).map((line) => line.text)];
  const rest = joinLines(lines, vocabulary);
  // Letters and roman numerals have no place in a Markdown list, so they stay part of the text.
  const number = /^(\d+)[.)]$/u.exec(marker.label)?.[1];
  if (marker.kind === "number" && number === undefined) return { kind: "paragraph", page, text };
  return {
    kind: "item",
    page,
    depth,
    ordered: number !== undefined,
    label: number ?? "",
    text: rest,
  };
}

function isCode(lines: readonly Line[]): boolean {
  return lines.length > 1 || /[;{}()=<>]/u.test(lines[0]?.text ?? "");
}

/** Code keeps its lines, and its indents as far as their distance tells. */
function codeText(block: TextBlock): string {
  const left = least(block.lines.map((line) => line.x));
  return block.lines
    .map((line) => {
      const width = (line.right - line.x) / Math.max(line.text.length, 1);
      return (
        " ".repeat(Math.max(0, Math.min(40, Math.round((line.x - left) / Math.max(width, 1))))) +
        line.text
      );
    })
    .join("\n");
}
