import type { Chunk } from "./chunks/chunks.ts";
import type { DocumentMetadata } from "./store/metadata.ts";

export interface ProcessedDocument {
  readonly status: "newly_processed" | "already_processed";
  readonly id: string;
  readonly sourcePath: string;
  readonly filename: string;
  /** UTC, ISO 8601. */
  readonly processedAt: string;
  /** 0 for what was converted already. */
  readonly processingTimeMs: number;
  /** SHA-256 of the PDF, in hex. */
  readonly contentHash: string;
  readonly rawTextPath: string;
  /** Markdown with `<!-- page N -->` before each page's text. */
  readonly text: string;
  readonly chunks: readonly Chunk[];
  readonly metadata: DocumentMetadata;
}

export interface FailedDocument {
  readonly status: "failed";
  readonly sourcePath: string;
  readonly filename: string;
  readonly error: {
    /** One of `failureCodes`. */
    readonly code: string;
    readonly message: string;
    /** UTC, ISO 8601: when it was found. Only of a failure that was not tried again. */
    readonly since?: string;
  };
}
