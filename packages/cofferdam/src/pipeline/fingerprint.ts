import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { FileStamp, ManifestRow } from "./manifest.ts";

export async function stampFile(path: string): Promise<FileStamp> {
  const status = await stat(path, { bigint: true });
  return {
    sizeBytes: Number(status.size),
    modifiedNs: String(status.mtimeNs),
    inode: String(status.ino),
  };
}

/** SHA-256 of a file's content, in hex. Reads it as a stream. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/**
 * Whether an item's input and recipe are those of its recorded end. The stamp is looked at first;
 * only where it differs is the content read.
 */
export async function isUnchanged(
  row: ManifestRow,
  path: string,
  stamp: FileStamp,
  recipe: string,
): Promise<boolean> {
  if (row.recipe !== recipe || row.inputHash === null) return false;
  if (row.stamp !== null && sameStamp(row.stamp, stamp)) return true;
  return (await hashFile(path)) === row.inputHash;
}

export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedNs === b.modifiedNs && a.inode === b.inode;
}
