import { SCRIPT } from "../model.ts";

/** Escapes what Markdown would read as markup, and nothing else: text stays readable. */
export function escapeInline(text: string): string {
  return (
    text
      .replace(/[\\`]/gu, "\\$&")
      .replace(/\*/gu, "\\*")
      // Within a word an underscore is plain; at a word's edge it may be emphasis.
      .replace(/(?<![\p{L}\p{N}_])_|_(?![\p{L}\p{N}_])/gu, "\\_")
      .replace(/~~/gu, "\\~~")
      .replace(/\](?=[([])/gu, "\\]")
      .replace(/!(?=\[)/gu, "\\!")
      .replace(/\[(?=[\^])/gu, "\\[")
      .replace(/<(?=[A-Za-z/!?])/gu, "\\<")
      .replace(/&(?=#?\w+;)/gu, "\\&")
  );
}

/** Escapes what would turn a paragraph's start into a heading, a list, a quote or a rule. */
export function escapeStart(text: string): string {
  return text
    .replace(/^(#{1,6})(?= |$)/u, "\\$1")
    .replace(/^([-+])(?= |$)/u, "\\$1")
    .replace(/^(\d{1,9})([.)])(?= |$)/u, "$1\\$2")
    .replace(/^>/u, "\\>")
    .replace(/^(?:-{3,}|={3,})$/u, "\\$&");
}

/** Renders script sentinels; `note` says which raised labels are references to footnotes. */
export function renderScripts(text: string, note: (label: string) => string | undefined): string {
  return text
    .replace(
      new RegExp(`${SCRIPT.supOpen}([^${SCRIPT.supClose}]*)${SCRIPT.supClose}`, "gu"),
      (_, label: string) => note(label) ?? `<sup>${label}</sup>`,
    )
    .replaceAll(SCRIPT.subOpen, "<sub>")
    .replaceAll(SCRIPT.subClose, "</sub>")
    .replace(/[\uE000-\uE003]/gu, "");
}
