/** What a documents worker runs: one PDF a call. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { embeddedEngine, type ConvertOptions } from "./engine/index.ts";

export interface ConvertedDocument {
  readonly markdown: string;
  readonly pages: number;
  /** SHA-256 of the bytes that were converted, in hex. */
  readonly inputHash: string;
}

export async function convert(
  path: string,
  options: ConvertOptions = {},
): Promise<ConvertedDocument> {
  const bytes = await readFile(path);
  const inputHash = createHash("sha256").update(bytes).digest("hex");
  // A copy that is plain: the library takes the bytes over, and refuses a Buffer.
  const { markdown, pages } = await embeddedEngine.convert(new Uint8Array(bytes), options);
  return { markdown, pages, inputHash };
}
