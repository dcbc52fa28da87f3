import { CofferdamError } from "cofferdam";

/** Pages of a document, counted from 1: in order, and each once. */
export type PageList = readonly number[];

/** No document has more; a slip of the keys must not fill the memory. */
const greatestPage = 1_000_000;

/** `1,5-10,20` as a list. Throws `INVALID_ARGUMENT`. */
export function parsePageRange(text: string): PageList {
  const pages = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/u.exec(part);
    const first = Number(match?.[1] ?? 0);
    const last = Number(match?.[2] ?? first);
    if (first < 1 || last < first || last > greatestPage) throw wrongRange(text, part);
    for (let page = first; page <= last; page += 1) pages.add(page);
  }
  return [...pages].sort((a, b) => a - b);
}

function wrongRange(text: string, part: string): CofferdamError {
  const where = part === text ? "" : ` (at "${part.trim()}")`;
  return new CofferdamError(
    "INVALID_ARGUMENT",
    `"${text}" is not a page range${where}: give pages from 1 upward and ranges of them, such as 1,5-10,20`,
  );
}

/** The shortest way to write a list: `[1, 5, 6, 7]` is `1,5-7`. `from` is the first page's number. */
export function formatPageRange(pages: PageList, from: 0 | 1 = 1): string {
  const parts: string[] = [];
  for (let index = 0; index < pages.length; index += 1) {
    const first = pages[index] ?? 0;
    let last = first;
    while (pages[index + 1] === last + 1) last = pages[(index += 1)] ?? last;
    const shift = 1 - from;
    parts.push(first === last ? `${first - shift}` : `${first - shift}-${last - shift}`);
  }
  return parts.join(",");
}

/** A sentence when the document does not have all the pages. */
export function outOfBounds(pages: PageList, count: number): string | null {
  const last = pages.at(-1) ?? 0;
  if (last <= count) return null;
  return `The document has ${count === 1 ? "1 page" : `${count} pages`}, and the page range asks for page ${last}; give pages from 1 to ${count}.`;
}
