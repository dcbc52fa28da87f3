import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { OutputFolder } from "cofferdam";

/**
 * Knows of the files in an output folder what the runs wrote into them, by its hash: what a user has
 * written there since is the user's, and no result of another document.
 */
export class MadeFiles {
  readonly #folder: OutputFolder;

  constructor(folder: OutputFolder) {
    this.#folder = folder;
  }

  /** To be called before the file is written. */
  record(output: string, content: string | Uint8Array): void {
    const { manifest } = this.#folder;
    const key = keyOf(output);
    const stamp = { sizeBytes: Buffer.byteLength(content), modifiedNs: "0", inode: "0" };
    try {
      // No output has such a name: they end in .md and .json.
      if (!manifest.find(key)) manifest.plan(key, `${output}#sha256`);
      manifest.recordDone(key, stamp, hashOf(content), "sha256");
    } catch {
      // A full disk: the result's own writing tells of it, and a copy is converted itself.
    }
  }

  /** A file's text as it was written; null where it is another by now, or gone. */
  async read(output: string): Promise<string | null> {
    const hash = this.#folder.manifest.find(keyOf(output))?.inputHash;
    const bytes = await readFile(join(this.#folder.path, output)).catch(() => null);
    return bytes !== null && hashOf(bytes) === hash ? bytes.toString() : null;
  }
}

function keyOf(output: string): string {
  return `content of ${output}`;
}

function hashOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
