import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync, statSync } from "node:fs";

/** What tells that a file is the same as last time: cheaply by its stamp, surely by its hash. */
export interface InputStamp {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly inode: number;
}

export interface Input {
  readonly bytes: Buffer;
  readonly stamp: InputStamp;
  /** SHA-256 of the bytes, in hex. */
  readonly hash: string;
}

/** Reads a file, with the stamp of the very bytes that were read. */
export function readInput(path: string): Input {
  const file = openSync(path, "r");
  try {
    const { size, mtimeMs, ino } = fstatSync(file);
    const bytes = readFileSync(file);
    return {
      bytes,
      stamp: { sizeBytes: size, modifiedMs: mtimeMs, inode: ino },
      hash: createHash("sha256").update(bytes).digest("hex"),
    };
  } finally {
    closeSync(file);
  }
}

export function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

export function stampInput(path: string): InputStamp {
  const { size, mtimeMs, ino } = statSync(path);
  return { sizeBytes: size, modifiedMs: mtimeMs, inode: ino };
}

export function sameStamp(a: InputStamp, b: InputStamp): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs && a.inode === b.inode;
}
