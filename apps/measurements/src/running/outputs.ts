import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { outputError } from "./output-error.ts";

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

  /** The folder must be on the file system of the outputs, and this process's own. Throws `OUTPUT`. */
  constructor(unfinished: string) {
    this.#unfinished = unfinished;
    try {
      mkdirSync(unfinished, { recursive: true });
    } catch (error) {
      throw outputError(unfinished, error);
    }
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
      throw outputError(path, error);
    }
  }

  #makeFolder(path: string): void {
    if (this.#made.has(path)) return;
    mkdirSync(path, { recursive: true });
    this.#made.add(path);
  }
}

/** Removes a result of an earlier run, where it is still there. Throws `OUTPUT`. */
export function removeOutput(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    throw outputError(path, error);
  }
}
