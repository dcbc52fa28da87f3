import { readPageRuns } from "../extract/page-runs.ts";
import type { PageRuns } from "../model.ts";
import { Faces } from "./faces.ts";
import type { PdfDocument } from "./open.ts";

export interface ReadDocument {
  /** The pages that could be read, in order. */
  readonly pages: readonly PageRuns[];
  /** The title in the metadata. */
  readonly title: string | undefined;
}

/** Reads the pages. One that cannot be read is skipped: the others still help. */
export async function readDocument(
  document: PdfDocument,
  numbers: readonly number[],
): Promise<ReadDocument> {
  const faces = new Faces();
  const pages: PageRuns[] = [];
  for (const number of numbers) {
    try {
      const page = await document.getPage(number);
      pages.push(await readPageRuns(page, faces));
      page.cleanup();
    } catch {
      // Damaged beyond reading: what the other pages say is still worth having.
    }
  }
  return { pages, title: await metadataTitle(document) };
}

async function metadataTitle(document: PdfDocument): Promise<string | undefined> {
  try {
    const { info } = await document.getMetadata();
    const title: unknown = "Title" in info ? info.Title : undefined;
    return typeof title === "string" && title.trim() !== "" ? title.trim() : undefined;
  } catch {
    return undefined;
  }
}
