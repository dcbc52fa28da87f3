/** What a documents worker runs: one PDF a call. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { DocumentError, embeddedEngine, type Reading, type ReadOptions } from "./embedded/index.ts";

export interface ReadDocument extends Reading {
  /** SHA-256 of the bytes that were read, in hex. */
  readonly inputHash: string;
}

export async function convert(path: string, options: ReadOptions = {}): Promise<ReadDocument> {
  const { bytes, inputHash } = await load(path);
  return { ...(await embeddedEngine.convert(bytes, options)), inputHash };
}

export interface InspectedDocument {
  /** Null where the PDF is damaged, and another engine may yet know how to read it. */
  readonly pages: number | null;
  readonly inputHash: string;
}

/**
 * Looks at a PDF before a costlier engine is started for it. Rejects with a `DocumentError` for
 * what no engine can read.
 */
export async function inspect(path: string): Promise<InspectedDocument> {
  const { bytes, inputHash } = await load(path);
  try {
    return { pages: await embeddedEngine.countPages(bytes), inputHash };
  } catch (error) {
    if (error instanceof DocumentError && error.code === "PDF_DAMAGED")
      return { pages: null, inputHash };
    throw error;
  }
}

async function load(path: string): Promise<{ bytes: Uint8Array; inputHash: string }> {
  const bytes = await readFile(path);
  const inputHash = createHash("sha256").update(bytes).digest("hex");
  // A copy that is plain: the library takes the bytes over, and refuses a Buffer.
  return { bytes: new Uint8Array(bytes), inputHash };
}
