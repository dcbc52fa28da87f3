import { stat } from "node:fs/promises";
import { hashFile } from "./files/hash-file.ts";
import type { FileStamp, ManifestRow } from "./manifest.ts";

export async function stampFile(path: string): Promise<FileStamp> {
  const status = await stat(path, { bigint: true });
  return {
    sizeBytes: Number(status.size),
    modifiedNs: String(status.mtimeNs),
    inode: String(status.ino),
  };
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
