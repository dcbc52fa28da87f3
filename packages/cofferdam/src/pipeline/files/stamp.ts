import { hash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { hashFile } from "./hash-file.ts";

/** Up to this, reading at once is cheaper than by pieces, and nobody waits long for it. */
const smallBytes = 256 * 1024;

/** What tells cheaply that a file is the same as last time: size, times and inode, as text. */
export type Stamp = string;

/** Null where there is no such file. */
export function stampOf(path: string): Stamp | null {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) return null;
  return `${status.size}:${status.mtimeMs}:${status.ctimeMs}:${status.ino}`;
}

/** SHA-256 of a file's content, in hex. Throws what reading throws. */
export function hashContent(path: string, stamp: Stamp): string | Promise<string> {
  const sizeBytes = Number(stamp.slice(0, stamp.indexOf(":")));
  if (sizeBytes <= smallBytes) return hash("sha256", readFileSync(path), "hex");
  return hashFile(path);
}
