/** The part of Markdown the papers are written in. */
export type Part =
  | { readonly kind: "heading"; readonly level: number; readonly text: string }
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "item"; readonly depth: number; readonly sign: string; readonly text: string }
  | { readonly kind: "table"; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: "code"; readonly lines: readonly string[] };

export interface Manuscript {
  readonly parts: readonly Part[];
  /** Footnotes by label. */
  readonly notes: ReadonlyMap<string, string>;
}

/** Reads a manuscript: one paragraph, item or heading a line, blank lines between. */
export function parse(markdown: string): Manuscript {
  const parts: Part[] = [];
  const notes = new Map<string, string>();
  const lines = markdown.split("\n");
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    const note = /^\[\^([^\]]+)\]: (.*)$/u.exec(line);
    const heading = /^(#+) (.*)$/u.exec(line);
    const item = /^( *)(-|\d+\.) +(.*)$/u.exec(line);
    if (line.trim() === "") continue;
    if (note !== null) {
      notes.set(note[1] ?? "", note[2] ?? "");
    } else if (heading !== null) {
      parts.push({ kind: "heading", level: heading[1]?.length ?? 1, text: heading[2] ?? "" });
    } else if (item !== null) {
      const depth = Math.ceil((item[1]?.length ?? 0) / 3);
      parts.push({ kind: "item", depth, sign: item[2] ?? "-", text: item[3] ?? "" });
    } else if (line.startsWith("|")) {
      const end = endOf(lines, index, (next) => next.startsWith("|"));
      parts.push({ kind: "table", rows: lines.slice(index, end).filter(isRow).map(cellsOf) });
      index = end - 1;
    } else if (line.startsWith("```")) {
      const end = endOf(lines, index + 1, (next) => !next.startsWith("```"));
      parts.push({ kind: "code", lines: lines.slice(index + 1, end) });
      index = end;
    } else {
      parts.push({ kind: "paragraph", text: line });
    }
  }
  return { parts, notes };
}

function endOf(lines: readonly string[], from: number, goesOn: (line: string) => boolean): number {
  let end = from;
  while (end < lines.length && goesOn(lines[end] ?? "")) end += 1;
  return end;
}

function isRow(line: string): boolean {
  return !/^\|[\s:|-]+\|$/u.test(line);
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, line.lastIndexOf("|"))
    .split("|")
    .map((cell) => cell.trim());
}
