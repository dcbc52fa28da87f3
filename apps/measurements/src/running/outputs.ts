import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CofferdamError, errorMessage } from "cofferdam";

/**
 * Writes files so that each appears under its name complete or not at all. All are written in one
 * folder and moved to their own from there: on ext4 that costs a tenth of writing them in a folder
 * that was only just made. A process that is killed leaves its unfinished files in that folder, which
 * the next run empties.
 */
export class OutputWriter {
  readonly #unfinished: string;
  readonly #made = new Set<string>();
  #count = 0;

  /** The folder must be on the file system of the outputs, and this process's own. */
  constructor(unfinished: string) {
    this.#unfinished = unfinished;
    mkdirSync(unfinished, { recursive: true });
  }

  /** Throws `OUTPUT`. */
  write(path: string, content: string | Buffer): void {
    const temporary = join(this.#unfinished, String(this.#count++));
    try {
      writeFileSync(temporary, content);
      this.#makeFolder(dirname(path));
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw new CofferdamError("OUTPUT", `${path} could not be written: ${errorMessage(error)}`, {
        cause: error,
      });
    }
  }

  #makeFolder(path: string): void {
    if (this.#made.has(path)) return;
    mkdirSync(path, { recursive: true });
    this.#made.add(path);
  }
}
