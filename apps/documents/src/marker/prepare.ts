import { constants } from "node:fs";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { CofferdamError, errorCode, errorMessage, escapeForTerminal, type Pool } from "cofferdam";
import type * as Worker from "../convert-worker.ts";
import { DocumentError } from "../embedded/index.ts";
import { outOfBounds } from "../pages/page-range.ts";
import type { ConversionContext } from "../engines/engine.ts";
import type { MarkerSettings } from "./settings.ts";

/** A document that is ready for Marker: copied, looked at, and with a name that no other has. */
export interface Prepared extends AsyncDisposable {
  /** The name people know it by, on one line whatever is in it. */
  readonly name: string;
  /** Name of the copy without `.pdf`; Marker names its output after it. */
  readonly stem: string;
  readonly copy: string;
  /** Holds the copy, and may hold the output. Removed when this is disposed of. */
  readonly folder: string;
  readonly pages: number | null;
  readonly inputHash: string;
}

/** Copies documents into our scratch folder and looks at them in a worker process. */
export class Preparation {
  readonly #pool: Pool<typeof Worker>;
  readonly #settings: MarkerSettings;
  #next = 1;

  constructor(pool: Pool<typeof Worker>, settings: MarkerSettings) {
    this.#pool = pool;
    this.#settings = settings;
  }

  /**
   * Rejects with a `DocumentError` for what Marker need not be started for, with the system's error
   * for an input that cannot be read, or with `OUTPUT` where there is no room for the copy.
   */
  async prepare(path: string, { signal }: ConversionContext): Promise<Prepared> {
    const stem = `document-${String(this.#next++).padStart(6, "0")}`;
    const folder = join(this.#settings.scratch, stem);
    const copy = join(folder, `${stem}.pdf`);
    const remove = async (): Promise<void> => rm(folder, { recursive: true, force: true });
    try {
      await copyInto(path, folder, copy);
      // The copy is what is hashed, and what Marker reads: the same bytes, whoever changes the file.
      const { pages, inputHash } = await this.#pool.runWith(
        signal ? { signal } : {},
        "inspect",
        copy,
      );
      this.#checkPages(pages);
      const name = escapeForTerminal(basename(path));
      return { name, stem, copy, folder, pages, inputHash, [Symbol.asyncDispose]: remove };
    } catch (error) {
      await remove();
      throw error;
    }
  }

  #checkPages(count: number | null): void {
    const { pages } = this.#settings;
    const beyond = pages && count !== null ? outOfBounds(pages, count) : null;
    if (beyond !== null) throw new DocumentError("PAGE_RANGE", { message: beyond });
  }
}

async function copyInto(path: string, folder: string, copy: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await copyFile(path, copy, constants.COPYFILE_FICLONE);
  } catch (error) {
    if (!["ENOSPC", "EDQUOT", "EROFS", "EFBIG"].includes(errorCode(error) ?? "")) throw error;
    throw new CofferdamError(
      "OUTPUT",
      `it could not be copied to ${folder}, for Marker to work on: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}
