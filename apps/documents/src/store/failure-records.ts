import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { OutputFolder } from "cofferdam";
import { isLastingFailure } from "../explain.ts";
import { baseName, documentId } from "./identity.ts";
import { sameRecipe, type ConversionRecipe } from "./metadata.ts";

const failureEnd = "_failure.json";

/** What is kept of a document that fails again however often it is read: `…_failure.json`. */
export interface FailureRecord {
  readonly original_filename: string;
  /** SHA-256 of the PDF, in hex. */
  readonly content_hash: string;
  /** UTC, ISO 8601. */
  readonly failed_at: string;
  readonly error: { readonly code: string; readonly message: string };
  readonly conversion: ConversionRecipe;
}

/** A failure of an earlier attempt with the same content in the same way, which was not repeated. */
export class KnownFailure extends Error {
  override readonly name = "KnownFailure";
  readonly code: string;
  /** UTC, ISO 8601: when it was found. */
  readonly since: string;

  constructor({ error, failed_at }: FailureRecord) {
    super(error.message);
    this.code = error.code;
    this.since = failed_at;
  }
}

/** The failures that are known in a folder. */
export class FailureRecords {
  readonly #folder: OutputFolder;
  readonly #byContent = new Map<string, FailureRecord>();

  private constructor(folder: OutputFolder) {
    this.#folder = folder;
  }

  /** `names`: of the folder's files. */
  static async read(folder: OutputFolder, names: readonly string[]): Promise<FailureRecords> {
    const records = new FailureRecords(folder);
    for (const name of names.filter((each) => each.endsWith(failureEnd))) {
      const record = await readRecord(join(folder.path, name));
      if (record) records.#byContent.set(record.content_hash, record);
    }
    return records;
  }

  /** Null for what did not fail, or was tried in another way. */
  find(contentHash: string, recipe: ConversionRecipe): FailureRecord | null {
    const record = this.#byContent.get(contentHash);
    return record && sameRecipe(record.conversion, recipe) ? record : null;
  }

  async add(record: FailureRecord): Promise<void> {
    await this.remove(record.content_hash);
    await this.#folder.write(fileOf(record), `${JSON.stringify(record, null, 2)}\n`);
    this.#byContent.set(record.content_hash, record);
  }

  /** It was converted after all. */
  async remove(contentHash: string): Promise<void> {
    const record = this.#byContent.get(contentHash);
    if (!record) return;
    this.#byContent.delete(contentHash);
    await rm(join(this.#folder.path, fileOf(record)), { force: true });
  }
}

function fileOf({ content_hash, original_filename }: FailureRecord): string {
  const id = documentId(content_hash, original_filename);
  return `${id}_${baseName(original_filename)}${failureEnd}`;
}

/** Null for a file that is not ours, or was damaged: then its document is tried again. */
async function readRecord(path: string): Promise<FailureRecord | null> {
  try {
    const value = JSON.parse(await readFile(path, "utf8")) as Partial<FailureRecord> | null;
    const isOurs =
      typeof value?.content_hash === "string" &&
      typeof value.original_filename === "string" &&
      typeof value.failed_at === "string" &&
      typeof value.error?.message === "string" &&
      isLastingFailure(value.error.code) &&
      typeof value.conversion?.engine === "string";
    return isOurs ? (value as FailureRecord) : null;
  } catch {
    return null;
  }
}
