import { countCharacters } from "../chunks/units.ts";
import { documentId } from "./identity.ts";

/** How a text was made; another way gives another text. */
export interface ConversionRecipe {
  readonly engine: string;
  readonly engine_version: string;
  /** Pages counted from 1, as `1,5-10`; null: all. */
  readonly page_range: string | null;
}

/** What is kept beside a text: `…_metadata.json`. Lengths are characters. */
export interface DocumentMetadata {
  readonly document_id: string;
  readonly original_filename: string;
  /** UTC, ISO 8601. */
  readonly extracted_at: string;
  readonly extraction_format: "md";
  readonly text_length: number;
  readonly image_count: number;
  /** Name of the text's file, in the same folder. */
  readonly text_file: string;
  readonly images: readonly string[];
  readonly extraction_stats: {
    readonly lines: number;
    readonly paragraphs: number;
    readonly characters: number;
    readonly words: number;
  };
  /** SHA-256 of the PDF, in hex. */
  readonly content_hash: string;
  /** Null where nobody could count them. */
  readonly page_count: number | null;
  readonly conversion: ConversionRecipe;
}

export interface DescribedText {
  readonly filename: string;
  readonly contentHash: string;
  readonly text: string;
  readonly textFile: string;
  readonly pages: number | null;
  readonly recipe: ConversionRecipe;
}

export function describeText(described: DescribedText): DocumentMetadata {
  const { filename, contentHash, text, textFile, pages, recipe } = described;
  const characters = countCharacters(text);
  return {
    document_id: documentId(contentHash, filename),
    original_filename: filename,
    extracted_at: new Date().toISOString(),
    extraction_format: "md",
    text_length: characters,
    image_count: 0,
    text_file: textFile,
    images: [],
    extraction_stats: {
      lines: text.split("\n").length,
      paragraphs: text.split(/\n{2,}/u).filter((part) => part.trim() !== "").length,
      characters,
      words: text.split(/\s+/u).filter((word) => word !== "").length,
    },
    content_hash: contentHash,
    page_count: pages,
    conversion: recipe,
  };
}

export function sameRecipe(a: ConversionRecipe, b: ConversionRecipe): boolean {
  return (
    a.engine === b.engine && a.engine_version === b.engine_version && a.page_range === b.page_range
  );
}
