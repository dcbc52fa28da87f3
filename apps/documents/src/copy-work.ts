import { basename } from "node:path";
import { hashFile, type FileItem, type ItemResult, type OutputFolder } from "cofferdam";
import { renameChunkFile, type ChunkFiles } from "./chunks/chunk-file.ts";
import type { MadeFiles } from "./made-files.ts";

/** Gives files that are copies of another the result of that one, once it is there. */
export class CopyWork {
  /** How many were given. */
  count = 0;
  readonly #folder: OutputFolder;
  readonly #made: MadeFiles;
  readonly #chunks: ChunkFiles | null;
  readonly #originals: ReadonlyMap<string, FileItem>;
  readonly #recipe: string;
  readonly #ends = new Map<string, PromiseWithResolvers<void>>();
  readonly #failures = new Map<string, unknown>();

  constructor(
    folder: OutputFolder,
    { made, chunks }: { readonly made: MadeFiles; readonly chunks: ChunkFiles | null },
    originals: ReadonlyMap<string, FileItem>,
    recipe: string,
  ) {
    this.#folder = folder;
    this.#made = made;
    this.#chunks = chunks;
    this.#originals = originals;
    this.#recipe = recipe;
    for (const { path } of originals.values()) this.#ends.set(path, Promise.withResolvers());
  }

  /** To be told of each item's end. */
  finished(path: string): void {
    this.#ends.get(path)?.resolve();
  }

  /** The run is interrupted: what has not ended will not, and nobody waits for it. */
  giveUp(): void {
    for (const end of this.#ends.values()) end.resolve();
  }

  /** Passes a conversion on; if it fails, a copy need not find out why once more. */
  async remember<Value>(item: FileItem, converting: Promise<Value>): Promise<Value> {
    try {
      return await converting;
    } catch (error) {
      if (this.#ends.has(item.path)) this.#failures.set(item.path, error);
      throw error;
    }
  }

  /**
   * A copy's result; null for what is no copy (or no longer), or where the other's result is gone or
   * not what a run wrote: it is then converted itself. Rejects as the other's conversion did.
   */
  async take(
    item: FileItem,
    wait: { readonly onWait: () => void; readonly onEnd: () => void },
  ): Promise<ItemResult | null> {
    const original = this.#originals.get(item.path);
    if (!original) return null;
    wait.onWait();
    await this.#ends.get(original.path)?.promise;
    wait.onEnd();
    if (this.#failures.has(original.path)) throw this.#failures.get(original.path);
    const row = this.#folder.manifest.find(original.path);
    const isThere = row?.outcome === "done" && row.recipe === this.#recipe;
    if (!isThere || (await hashFile(item.path)) !== row.inputHash) return null;
    const content = await this.#made.read(row.output);
    const chunks = await this.#chunks?.read(original);
    if (content === null || chunks === null) return null;
    if (chunks) await this.#chunks?.write(item, renameChunkFile(chunks, basename(item.path)));
    this.count += 1;
    return { content, inputHash: row.inputHash, note: `the same content as ${original.path}` };
  }
}
