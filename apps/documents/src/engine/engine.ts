/** What a caller may ask of a conversion. */
export interface ConvertOptions {
  /**
   * Put `<!-- page N -->` on a line of its own before each page's text. A paragraph that runs on
   * over a page break is then cut at the marker, so that every sentence stands under its page.
   */
  readonly pageMarkers?: boolean;
}

/** What a conversion gives. */
export interface Conversion {
  /** Markdown, never blank, ending in a newline. */
  readonly markdown: string;
  /** Pages the document says it has, including those that could not be read. */
  readonly pages: number;
  /** The document's title: from its first page where one stands out, else from its metadata. */
  readonly title?: string;
}

/**
 * Something that turns a PDF into Markdown. It runs inside a worker process, so an engine sets
 * itself no deadline and no memory bound: those belong to whoever started the process.
 */
export interface Engine {
  readonly name: string;
  readonly version: string;
  /** Rejects with a `DocumentError` and nothing else. `pdf` stays the caller's, unchanged. */
  convert(pdf: Uint8Array, options?: ConvertOptions): Promise<Conversion>;
}
