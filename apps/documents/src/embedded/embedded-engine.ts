import { toBlocks } from "./blocks/blocks.ts";
import { collectVocabulary } from "./blocks/join-lines.ts";
import { measureDocument } from "./blocks/stats.ts";
import { commonGutters } from "./columns/common-gutters.ts";
import { findGutter } from "./columns/gutter.ts";
import { toRegions } from "./columns/regions.ts";
import { DocumentError } from "./errors.ts";
import { outOfBounds, type PageList } from "../pages/page-range.ts";
import { dropFurniture } from "./furniture/furniture.ts";
import { toSegments } from "./lines/segments.ts";
import { renderMarkdown } from "./markdown/render.ts";
import type { Element, PageRuns, Region } from "./model.ts";
import { openPdf } from "./pdf/open.ts";
import { readDocument } from "./pdf/read-document.ts";
import type { EmbeddedEngine, Reading, ReadOptions } from "./reading.ts";
import { toElements } from "./roles/elements.ts";

/**
 * The engine that comes with the application: the text of the PDF's own text layer, put in order.
 *
 *     pages → runs → segments → regions (columns) → blocks → elements → Markdown
 *
 * It reads no pictures: a scanned page is a page without text.
 */
export const embeddedEngine: EmbeddedEngine = {
  name: "embedded",
  version: "1",
  convert: (pdf, options = {}) => asDocumentError(() => read(pdf, options)),
  countPages: (pdf) => asDocumentError(() => count(pdf)),
};

async function asDocumentError<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DocumentError) throw error;
    // A broken file can bring the library to places nobody foresaw; the cause is kept for us.
    throw new DocumentError("PDF_DAMAGED", { cause: error });
  }
}

async function count(pdf: Uint8Array): Promise<number> {
  await using open = await openPdf(pdf);
  return open.document.numPages;
}

async function read(pdf: Uint8Array, options: ReadOptions): Promise<Reading> {
  await using open = await openPdf(pdf);
  const { numPages } = open.document;
  const numbers = options.pages ?? Array.from({ length: numPages }, (_, index) => index + 1);
  const beyond = outOfBounds(numbers, numPages);
  if (beyond !== null) throw new DocumentError("PAGE_RANGE", { message: beyond });
  const { pages, title } = await readDocument(open.document, numbers);
  const hasText = pages.some((page) => page.runs.length > 0 || page.strays.length > 0);
  if (!hasText) throw new DocumentError(pages.length === 0 ? "PDF_DAMAGED" : "PDF_NO_TEXT");
  const { pageMarkers = false, marked = false } = options;
  const elements = toDocument(pages, !pageMarkers);
  const heading = elements.find((element) => element.kind === "heading");
  const found = heading?.level === 1 && heading.page === pages[0]?.page ? heading.text : title;
  const markdown = renderMarkdown(elements, { pageMarkers, pages: numbers });
  return {
    markdown,
    ...(marked ? { marked: pageMarkers ? markdown : renderMarked(pages, numbers) } : {}),
    pages: numPages,
    ...(found === undefined ? {} : { title: found.replace(/[\uE000-\uE003]/gu, "") }),
  };
}

function renderMarked(pages: readonly PageRuns[], numbers: PageList): string {
  return renderMarkdown(toDocument(pages, false), { pageMarkers: true, pages: numbers });
}

/** From drawn text to elements in reading order. */
function toDocument(pages: readonly PageRuns[], acrossPages: boolean): Element[] {
  const segments = dropFurniture(
    pages.map((page) => ({ ...page, segments: toSegments(page.runs) })),
  );
  const regions: Region[] = [];
  const gutters = commonGutters(segments.map((page) => findGutter(page.segments)));
  for (const page of segments)
    regions.push(...toRegions(page.segments, page.page, regions.length, gutters));
  const stats = measureDocument(regions);
  const vocabulary = collectVocabulary(
    regions.flatMap((region) => region.lines.map((line) => line.text)),
  );
  const blocks = regions.flatMap((region) => toBlocks(region, stats));
  return withStrays(toElements(blocks, { stats, vocabulary, acrossPages }), pages);
}

/** Text set at an angle follows its page's text: present, and in nobody's way. */
function withStrays(elements: readonly Element[], pages: readonly PageRuns[]): Element[] {
  const turned = pages.filter((page) => page.strays.length > 0);
  if (turned.length === 0) return [...elements];
  const result: Element[] = [];
  let next = 0;
  const flush = (before: number): void => {
    for (; next < turned.length; next += 1) {
      const page = turned[next];
      if (page === undefined || page.page >= before) return;
      for (const text of page.strays) result.push({ kind: "paragraph", page: page.page, text });
    }
  };
  for (const element of elements) {
    flush(element.page);
    result.push(element);
  }
  flush(Infinity);
  return result;
}
