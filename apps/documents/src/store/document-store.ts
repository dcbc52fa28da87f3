import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { OutputFolder } from "cofferdam";
import { FailureRecords } from "./failure-records.ts";
import { baseName, documentId } from "./identity.ts";
import {
  describeText,
  sameRecipe,
  type ConversionRecipe,
  type DescribedText,
  type DocumentMetadata,
} from "./metadata.ts";

const metadataEnd = "_metadata.json";

/**
 * Converted texts in a folder: of each `<id>_<name>_raw.md` and `<id>_<name>_metadata.json`. The
 * metadata are written last: where they are, the text is whole. Beside them the failures.
 */
export class DocumentStore {
  readonly failures: FailureRecords;
  readonly #folder: OutputFolder;
  readonly #byContent = new Map<string, DocumentMetadata>();

  private constructor(folder: OutputFolder, failures: FailureRecords) {
    this.#folder = folder;
    this.failures = failures;
  }

  static async open(folder: OutputFolder): Promise<DocumentStore> {
    const names = await readdir(folder.path);
    const store = new DocumentStore(folder, await FailureRecords.read(folder, names));
    for (const name of names) {
      if (!name.endsWith(metadataEnd)) continue;
      const metadata = await readMetadata(join(folder.path, name));
      if (metadata) store.#byContent.set(metadata.content_hash, metadata);
    }
    return store;
  }

  /** What was made of the same content in the same way; null if nothing was, or its text is gone. */
  async find(
    contentHash: string,
    recipe: ConversionRecipe,
  ): Promise<{ metadata: DocumentMetadata; text: string } | null> {
    const metadata = this.#byContent.get(contentHash);
    if (!metadata || !sameRecipe(metadata.conversion, recipe)) return null;
    try {
      const text = await readFile(this.textPath(metadata), "utf8");
      return text.trim() === "" ? null : { metadata, text };
    } catch {
      return null; // removed: it is converted again
    }
  }

  async save(described: Omit<DescribedText, "textFile">): Promise<DocumentMetadata> {
    const { contentHash, filename, text } = described;
    const stem = `${documentId(contentHash, filename)}_${baseName(filename)}`;
    const metadata = describeText({ ...described, textFile: `${stem}_raw.md` });
    await this.#folder.write(metadata.text_file, text);
    await this.#folder.write(`${stem}${metadataEnd}`, `${JSON.stringify(metadata, null, 2)}\n`);
    this.#byContent.set(contentHash, metadata);
    await this.failures.remove(contentHash);
    return metadata;
  }

  textPath(metadata: DocumentMetadata): string {
    // A name from a file that anybody can have changed leads nowhere else.
    return join(this.#folder.path, basename(metadata.text_file));
  }
}

/** Null for a file that is not ours, or was damaged: then its document is converted again. */
async function readMetadata(path: string): Promise<DocumentMetadata | null> {
  try {
    const value = JSON.parse(await readFile(path, "utf8")) as Partial<DocumentMetadata> | null;
    const isOurs =
      typeof value?.content_hash === "string" &&
      typeof value.text_file === "string" &&
      typeof value.document_id === "string" &&
      typeof value.conversion?.engine === "string";
    return isOurs ? (value as DocumentMetadata) : null;
  } catch {
    return null;
  }
}
