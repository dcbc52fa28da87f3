import type { PageList } from "../pages/page-range.ts";

/** What a caller may ask of a reading. */
export interface ReadOptions {
  /**
   * Put `<!-- page N -->` on a line of its own before each page's text. A paragraph that runs on
   * over a page break is then cut at the marker, so that every sentence stands under its page.
   */
  readonly pageMarkers?: boolean;
  /** Give also `marked`, whatever `pageMarkers` says. */
  readonly marked?: boolean;
  /** The pages to read. All by default. */
  readonly pages?: PageList;
}

/** What a reading gives. */
export interface Reading {
  /** Markdown, never blank, ending in a newline. */
  readonly markdown: string;
  /** The same with a marker before each page's text. Only if it was asked for. */
  readonly marked?: string;
  /** Pages the document says it has, including those that could not be read. */
  readonly pages: number;
  /** The document's title: from its first page where one stands out, else from its metadata. */
  readonly title?: string;
}

/**
 * What turns the bytes of a PDF into Markdown. It runs inside a worker process, and so sets itself
 * no deadline and no memory bound: those belong to whoever started the process.
 */
export interface EmbeddedEngine {
  readonly name: "embedded";
  readonly version: string;
  /** Rejects with a `DocumentError` and nothing else. `pdf` stays the caller's, unchanged. */
  convert(pdf: Uint8Array, options?: ReadOptions): Promise<Reading>;
  /** How many pages there are. Rejects as `convert` does, but reads none of them. */
  countPages(pdf: Uint8Array): Promise<number>;
}
