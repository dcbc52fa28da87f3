import { greatest } from "../extremes.ts";
import type { Element } from "../model.ts";
import { pageMarker } from "../../pages/page-markers.ts";
import { escapeInline, escapeStart, renderScripts } from "./escape.ts";
import { placeNotes } from "./notes.ts";
import type { Noted } from "./notes.ts";

export interface RenderOptions {
  readonly pageMarkers: boolean;
  /** The pages that were asked for: with markers, each has one, even a page without text. */
  readonly pages: readonly number[];
}

/** Writes elements as Markdown, ending in a newline. */
export function renderMarkdown(elements: readonly Element[], options: RenderOptions): string {
  const parts: string[] = [];
  const unmarked = [...options.pages];
  const markUpTo = (last: number): boolean => {
    const before = parts.length;
    while (unmarked[0] !== undefined && unmarked[0] <= last)
      parts.push("", pageMarker(unmarked.shift() ?? last), "");
    return parts.length > before;
  };
  let previous: Element | undefined;
  for (const noted of placeNotes(elements)) {
    const { element } = noted;
    if (options.pageMarkers && markUpTo(element.page)) previous = undefined;
    const tight =
      previous?.kind === "item" &&
      element.kind === "item" &&
      (previous.ordered === element.ordered || previous.depth !== element.depth);
    if (!tight) parts.push("");
    parts.push(renderElement(noted));
    previous = element;
  }
  if (options.pageMarkers) markUpTo(Infinity);
  return `${parts
    .join("\n")
    .replace(/\n{3,}/gu, "\n\n")
    .trim()}\n`;
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
