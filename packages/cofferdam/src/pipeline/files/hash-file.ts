import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

const bufferBytes = 256 * 1024;

/**
 * Buffers that others have done with. A stream takes new ones for each file, which stay until the
 * next big collection: over a thousand small files that made 20 MB.
 */
const spare: Buffer[] = [];
const spareMax = 4;

/** SHA-256 of a file's content, in hex; in memory is a piece of it at a time. */
export async function hashFile(path: string | Buffer): Promise<string> {
  const digest = createHash("sha256");
  await using file = await open(path);
  const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, bufferBytes, null);
      if (bytesRead === 0) return digest.digest("hex");
      digest.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    if (spare.length < spareMax) spare.push(buffer);
  }
}
