/** The engines there are. */
export const engineNames = ["embedded", "marker"] as const;
export type EngineName = (typeof engineNames)[number];

/** What a conversion gives, whichever engine made it. */
export interface Conversion {
  /** Markdown, never blank, ending in a newline; with page markers if the engine was opened so. */
  readonly markdown: string;
  /** The same with a marker before each page's text. Null unless the engine was opened so. */
  readonly marked: string | null;
  /** Pages of the document; null where nobody could count them. */
  readonly pages: number | null;
  /** SHA-256 of the very bytes that were converted, in hex. */
  readonly inputHash: string;
}

export interface ConversionContext {
  readonly signal?: AbortSignal;
  /** Called when the work on this document begins; again for each new attempt. */
  readonly onStart?: (attempt: number) => void;
}

/**
 * What converts documents. Everything that an engine starts lives in the scope it was opened in, one
 * document's failure is that document's alone, and no model is loaded in the calling process.
 */
export interface Engine extends AsyncDisposable {
  readonly name: EngineName;
  readonly version: string;
  /** Documents that it works on at the same time. */
  readonly workers: number;
  /** Documents that it wants in its hands, so as never to wait for the next one. */
  readonly appetite: number;
  /** Rejects with the reason why there is no result: see `explainFailure`. */
  convert(path: string, context: ConversionContext): Promise<Conversion>;
  /** No document follows: what waits for company is begun. Until then an engine may gather. */
  finish(): void;
}

/** How an engine reads. */
export interface ReadSettings {
  /** Put `<!-- page N -->` before each page's text. */
  readonly pageMarkers: boolean;
  /** Give `marked` with each conversion. */
  readonly marked: boolean;
  /** The pages to convert; undefined: all. */
  readonly pages: readonly number[] | undefined;
}
