import { createHash } from "node:crypto";

/** The first digits of a text's SHA-1, in hex. */
export function shortHash(text: string, digits: number): string {
  return createHash("sha1").update(text).digest("hex").slice(0, digits);
}
