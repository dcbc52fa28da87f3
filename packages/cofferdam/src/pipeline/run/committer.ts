import { closeSync, fsync, openSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { CofferdamError, errorCode, errorMessage } from "../../errors/index.ts";
import { inTransaction, type PipelineManifest } from "../manifest/index.ts";

const syncDescriptor = promisify(fsync);

/** A finished output on its way to its place, or the end of an item without one. */
export interface Commitment {
  /** Where the output is now, and where it goes; both absolute. */
  readonly move: { readonly from: string; readonly to: string } | null;
  /** Called within a transaction once the output is in its place and safe on disk. */
  readonly record: () => void;
}

interface Waiting extends Commitment {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Beyond this many that wait, nothing more should be started. */
export const backlogMax = 2_000;

/**
 * Puts outputs into their places and records them: every file is synced, then renamed, then the
 * folders are synced, and only then is anything recorded, all of a batch in one transaction. While
 * one batch is on its way the next gathers, so that a slow disk makes batches larger, not runs
 * slower.
 */
export class Committer {
  readonly #manifest: PipelineManifest;
  readonly #folders = new Set<string>();
  #waiting: Waiting[] = [];
  #working: Promise<void> | null = null;

  constructor(manifest: PipelineManifest) {
    this.#manifest = manifest;
  }

  get backlog(): number {
    return this.#waiting.length;
  }

  /** Resolves when it is recorded. Rejects with `OUTPUT` when the output cannot be put there. */
  commit(commitment: Commitment): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...commitment, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    while (this.#working) await this.#working;
  }

  /** Makes a change when nothing waits, and in one transaction. What comes meanwhile waits for it. */
  async alone<Value>(change: () => Promise<Value>): Promise<Value> {
    while (this.#working) await this.#working;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#working = promise;
    try {
      return await inTransaction(this.#manifest, change);
    } finally {
      this.#working = this.#waiting.length > 0 ? this.#work() : null;
      resolve(undefined);
    }
  }

  async #work(): Promise<void> {
    // What else ends in this turn of the event loop comes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#commitBatch(batch);
    }
    this.#working = null;
  }

  async #commitBatch(batch: readonly Waiting[]): Promise<void> {
    const placed = await this.#place(batch);
    if (placed.length === 0) return;
    try {
      this.#manifest.begin();
      for (const { record } of placed) record();
      this.#manifest.commit();
    } catch (error) {
      this.#manifest.rollback();
      for (const { reject } of placed) reject(unrecorded(error));
      return;
    }
    for (const { resolve } of placed) resolve();
  }

  /** Gives those whose output is in its place; tells the others. */
  async #place(batch: readonly Waiting[]): Promise<Waiting[]> {
    const placed: Waiting[] = [];
    const touched = new Map<string, Waiting[]>();
    await Promise.all(
      batch.map(async (waiting) => {
        const { move } = waiting;
        if (move === null) {
          placed.push(waiting);
          return;
        }
        try {
          await syncTree(move.from);
          await this.#move(move.from, move.to);
          const folder = dirname(move.to);
          touched.set(folder, [...(touched.get(folder) ?? []), waiting]);
        } catch (error) {
          waiting.reject(unwritten(move.to, error));
        }
      }),
    );
    await Promise.all(
      Array.from(touched, async ([folder, waiting]) => {
        try {
          await sync(folder);
          placed.push(...waiting);
        } catch (error) {
          for (const { reject } of waiting) reject(unwritten(folder, error));
        }
      }),
    );
    return placed;
  }

  async #move(from: string, to: string): Promise<void> {
    const folder = dirname(to);
    if (!this.#folders.has(folder)) {
      await mkdir(folder, { recursive: true });
      this.#folders.add(folder);
    }
    try {
      await rename(from, to);
    } catch (error) {
      const code = errorCode(error) ?? "";
      if (code === "ENOENT" && this.#folders.delete(folder)) {
        // Somebody has taken the folder away since.
        await this.#move(from, to);
        return;
      }
      if (!["ENOTEMPTY", "EEXIST", "EISDIR", "ENOTDIR"].includes(code)) throw error;
      const old = join(dirname(from), ".replaced");
      await rename(to, old);
      await rename(from, to);
      await rm(old, { recursive: true, force: true });
    }
  }
}

/** A file, or all files below a folder and the folders themselves. */
async function syncTree(path: string): Promise<void> {
  let entries;
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (errorCode(error) !== "ENOTDIR") throw error;
    await sync(path);
    return;
  }
  for (const entry of entries)
    if (entry.isDirectory() || entry.isFile()) await syncTree(join(path, entry.name));
  await sync(path);
}

async function sync(path: string): Promise<void> {
  const descriptor = openSync(path, "r");
  try {
    await syncDescriptor(descriptor);
  } catch (error) {
    // Some file systems refuse to sync a folder; they have nothing to sync.
    if (errorCode(error) !== "EINVAL") throw error;
  } finally {
    closeSync(descriptor);
  }
}

function unwritten(path: string, error: unknown): CofferdamError {
  return new CofferdamError(
    "OUTPUT",
    `its output could not be put in its place, ${path}: ${errorMessage(error)}`,
    { cause: error },
  );
}

function unrecorded(error: unknown): CofferdamError {
  return new CofferdamError(
    "MANIFEST_DAMAGED",
    `the manifest cannot be written: ${errorMessage(error)}; what was done since is not recorded and will be done again`,
    { cause: error },
  );
}
