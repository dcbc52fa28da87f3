import { createHash } from "node:crypto";
import { cutBytes } from "../cut-bytes.ts";

/** `doc_<12 digits of the content's SHA-256>_<8 digits of the file name's MD5>`. */
export function documentId(contentHash: string, filename: string): string {
  const name = createHash("md5").update(filename).digest("hex");
  return `doc_${contentHash.slice(0, 12)}_${name.slice(0, 8)}`;
}

const longestBase = 120;

/** A file's name without `.pdf`, of letters, digits, spaces, `-`, `_` and `.` alone. */
export function baseName(filename: string): string {
  const plain = filename
    .replace(/\.pdf$/iu, "")
    .replace(/[^\p{L}\p{N} \-_.]/gu, "")
    .trimEnd();
  return cutBytes(plain, longestBase);
}
