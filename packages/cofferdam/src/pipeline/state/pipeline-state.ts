import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CofferdamError, errorMessage } from "../../errors/index.ts";
import { isSameMount } from "../files/mounts.ts";
import { RunLock } from "../lock/run-lock.ts";
import { PipelineManifest } from "../manifest/index.ts";

const stateName = ".cofferdam";

/** What a pipeline keeps between runs, in `.cofferdam` beside its file. */
export class PipelineState implements Disposable {
  readonly manifest: PipelineManifest;
  /** A folder for each item that failed. */
  readonly failures: string;
  readonly #folder: string;
  readonly #path: string;
  readonly #lock: RunLock | null;

  private constructor(folder: string, manifest: PipelineManifest, lock: RunLock | null) {
    this.#folder = folder;
    this.#path = join(folder, stateName);
    this.manifest = manifest;
    this.failures = join(this.#path, "failures");
    this.#lock = lock;
  }

  /** For a run: nobody else may write meanwhile. Rejects with `LOCKED`, `OUTPUT`, `MANIFEST_DAMAGED`. */
  static async open(folder: string): Promise<PipelineState> {
    const path = join(folder, stateName);
    try {
      mkdirSync(path, { recursive: true });
      if (!existsSync(join(path, ".gitignore"))) writeFileSync(join(path, ".gitignore"), "*\n");
    } catch (error) {
      throw new CofferdamError(
        "OUTPUT",
        `the pipeline's state cannot be kept in ${path}: ${errorMessage(error)}`,
        { cause: error },
      );
    }
    const lock = await RunLock.acquire(join(path, "lock"), path);
    try {
      return new PipelineState(
        folder,
        await PipelineManifest.open(join(path, "manifest.db")),
        lock,
      );
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /** For looking only, also while a run goes on. Null where nothing was ever run. */
  static async openForReading(folder: string): Promise<PipelineState | null> {
    const file = join(folder, stateName, "manifest.db");
    if (!existsSync(file)) return null;
    return new PipelineState(folder, await PipelineManifest.open(file), null);
  }

  /**
   * An empty folder for outputs that are not finished, from where they can be renamed to their names
   * below `base`. Behind the lock whatever is in it is a dead run's.
   */
  unfinished(base: string): string {
    const outputs = join(this.#folder, base);
    try {
      mkdirSync(outputs, { recursive: true });
    } catch (error) {
      throw new CofferdamError(
        "OUTPUT",
        `the output folder ${outputs} cannot be used: ${errorMessage(error)}`,
        { cause: error },
      );
    }
    const near = isSameMount(outputs, this.#path) ? this.#path : join(outputs, stateName);
    const path = join(near, "unfinished");
    if (!this.#emptied.has(path)) {
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path, { recursive: true });
      this.#emptied.add(path);
    }
    return path;
  }

  readonly #emptied = new Set<string>();

  [Symbol.dispose](): void {
    if (this.#lock) for (const path of this.#emptied) this.#remove(path);
    this.manifest[Symbol.dispose]();
    this.#lock?.[Symbol.dispose]();
  }

  /** With the folder that was made for it beside outputs elsewhere, where nothing else is in it. */
  #remove(unfinished: string): void {
    rmSync(unfinished, { recursive: true, force: true });
    const parent = dirname(unfinished);
    if (parent !== this.#path && readdirSync(parent).length === 0) rmdirSync(parent);
  }
}
