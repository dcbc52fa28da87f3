/**
 * Where each page begins, on a line of its own within Markdown. Every engine's text is brought to
 * this one form, so that what works on pages need not know who has read them.
 */
export function pageMarker(page: number): string {
  return `<!-- page ${page} -->`;
}

const markerLine = /^<!-- page (\d+) -->$/gmu;

/** One page's text, as Markdown. */
export interface PageText {
  /** Counted from 1, in the document. */
  readonly page: number;
  readonly text: string;
}

/** The pages of a text with markers; what stands before the first belongs to the first page. */
export function splitPages(marked: string): PageText[] {
  const pages: PageText[] = [];
  let page = 1;
  let from = 0;
  const add = (to: number): void => {
    const text = marked.slice(from, to).trim();
    if (text !== "") pages.push({ page, text });
  };
  for (const match of marked.matchAll(markerLine)) {
    add(match.index);
    page = Number(match[1]);
    from = match.index + match[0].length;
  }
  add(marked.length);
  return pages;
}

/** The text without its markers. */
export function withoutMarkers(marked: string): string {
  const text = marked.replace(markerLine, "").replace(/\n{3,}/gu, "\n\n");
  return `${text.trim()}\n`;
}
