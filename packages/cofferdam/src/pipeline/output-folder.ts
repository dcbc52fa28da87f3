import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { CofferdamError, errorCode, errorMessage } from "../errors/index.ts";
import { Manifest } from "./manifest.ts";
import { RunLock } from "./lock/run-lock.ts";

const stateName = ".cofferdam";

/**
 * A folder that a run writes results to, with the run's state in `.cofferdam` inside: the lock, the
 * manifest and the unfinished files. A result appears under its name complete or not at all.
 */
export class OutputFolder implements Disposable {
  readonly path: string;
  readonly manifest: Manifest;
  readonly #lock: RunLock;
  readonly #unfinished: string;

  constructor(path: string, manifest: Manifest, lock: RunLock, unfinished: string) {
    this.path = path;
    this.manifest = manifest;
    this.#lock = lock;
    this.#unfinished = unfinished;
  }

  /** Writes a result: a temporary name, fsync, rename, fsync of the folder. */
  async write(name: string, content: string | Uint8Array): Promise<string> {
    const target = join(this.path, name);
    const temporary = join(this.#unfinished, randomBytes(8).toString("hex"));
    try {
      const file = await open(temporary, "wx", 0o666);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, target);
      await syncFolder(this.path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw new CofferdamError(
        "OUTPUT",
        `its result could not be written to ${target}: ${errorMessage(error)}`,
        { cause: error },
      );
    }
    return target;
  }

  /** Whether there is a file of that name. */
  async has(name: string): Promise<boolean> {
    try {
      return (await stat(join(this.path, name))).isFile();
    } catch {
      return false;
    }
  }

  [Symbol.dispose](): void {
    this.manifest[Symbol.dispose]();
    this.#lock[Symbol.dispose]();
  }
}

/**
 * Opens a folder for one run, and makes it where there is none. Rejects with `OUTPUT`, `LOCKED` or `MANIFEST_DAMAGED`.
 */
export async function openOutputFolder(path: string): Promise<OutputFolder> {
  const state = join(path, stateName);
  const unfinished = join(state, "unfinished");
  try {
    await mkdir(state, { recursive: true });
    await access(path, constants.W_OK);
  } catch (error) {
    throw unusable(path, error);
  }
  const lock = await RunLock.acquire(join(state, "lock"), path);
  try {
    // Behind the lock all of these are a dead run's.
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished);
    return new OutputFolder(
      path,
      await Manifest.open(join(state, "manifest.db")),
      lock,
      unfinished,
    );
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } catch (error) {
    // Some file systems refuse to sync a folder; they have nothing to sync.
    if (errorCode(error) !== "EINVAL") throw error;
  } finally {
    await folder.close();
  }
}

function unusable(path: string, error: unknown): CofferdamError {
  const code = errorCode(error);
  const why =
    code === "ENOTDIR" || code === "EEXIST"
      ? "it is a file, or lies below one; give a folder"
      : errorMessage(error);
  return new CofferdamError("OUTPUT", `the output folder ${path} cannot be used: ${why}`, {
    cause: error,
  });
}
