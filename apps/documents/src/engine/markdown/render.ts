import { greatest } from "../extremes.ts";
import type { Element } from "../model.ts";
import { escapeInline, escapeStart, renderScripts } from "./escape.ts";
import { placeNotes } from "./notes.ts";
import type { Noted } from "./notes.ts";

export interface RenderOptions {
  readonly pageMarkers: boolean;
  /** Pages in the document: with markers, each has one, even a page without text. */
  readonly pages: number;
}

/** Writes elements as Markdown, ending in a newline. */
export function renderMarkdown(elements: readonly Element[], options: RenderOptions): string {
  const parts: string[] = [];
  let page = 0;
  let previous: Element | undefined;
  for (const noted of placeNotes(elements)) {
    const { element } = noted;
    if (options.pageMarkers && element.page > page) {
      while (page < element.page) parts.push("", pageMarker((page += 1)), "");
      previous = undefined;
    }
    const tight =
      previous?.kind === "item" &&
      element.kind === "item" &&
      (previous.ordered === element.ordered || previous.depth !== element.depth);
    if (!tight) parts.push("");
    parts.push(renderElement(noted));
    previous = element;
  }
  while (options.pageMarkers && page < options.pages) parts.push("", pageMarker((page += 1)));
  return `${parts
    .join("\n")
    .replace(/\n{3,}/gu, "\n\n")
    .trim()}\n`;
}

function pageMarker(page: number): string {
  return `<!-- page ${page} -->`;
}

function renderElement({ element, refer, id }: Noted): string {
  const inline = (text: string): string => renderScripts(escapeInline(text), refer);
  switch (element.kind) {
    case "heading":
      return `${"#".repeat(element.level)} ${inline(element.text)}`;
    case "paragraph":
      return escapeStart(inline(element.text));
    case "item": {
      const sign = element.ordered ? `${element.label}.` : "-";
      return `${"   ".repeat(element.depth)}${sign} ${escapeStart(inline(element.text))}`;
    }
    case "table":
      return renderTable(
        element.rows.map((row) => row.map((cell) => inline(cell).replace(/\|/gu, "\\|"))),
      );
    case "code": {
      const plain = renderScripts(element.text, () => undefined).replace(/<\/?su[bp]>/gu, "");
      const fence = plain.includes("```") ? "````" : "```";
      return `${fence}\n${plain}\n${fence}`;
    }
    case "footnote":
      return `[^${id ?? element.label}]: ${inline(element.text)}`;
  }
}

/** The first row is the head: a Markdown table must have one. */
function renderTable(rows: readonly (readonly string[])[]): string {
  const columns = greatest(rows.map((row) => row.length));
  const toRow = (row: readonly string[]): string =>
    `| ${Array.from({ length: columns }, (_, index) => row[index] ?? "").join(" | ")} |`;
  const rule = `| ${Array.from({ length: columns }, () => "---").join(" | ")} |`;
  return [toRow(rows[0] ?? []), rule, ...rows.slice(1).map(toRow)].join("\n");
}
