import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../errors/index.ts";
import { userDirectory } from "../user-directory.ts";

/** Changed when files of an older program can no longer be understood: it never sees them then. */
const format = 1;
const fileText = new RegExp(`^values-${format}-(\\d+)\\.db(\\.damaged)?$`);

/** Where the caches of this user are that were given no folder. */
export function cachesDirectory(): string {
  return join(userDirectory("XDG_CACHE_HOME", ".cache"), "caches");
}

/**
 * A cache's folder. A damaged file is never moved, since another process may have it open: it is
 * marked, and the next number takes its place. A number is not used twice.
 */
export class CacheFiles {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  exists(): boolean {
    return this.#numbers().length > 0;
  }

  make(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
  }

  /** Where processes say that they are there. */
  get presences(): string {
    return join(this.folder, "present");
  }

  /** The file in use; it may not be there yet. */
  current(): string {
    const last = Math.max(0, ...this.#numbers());
    const file = this.#file(last);
    return last > 0 && !existsSync(mark(file)) ? file : this.#file(last + 1);
  }

  /** Files that were set aside, and why. */
  damaged(): { file: string; reason: string }[] {
    return this.#numbers()
      .map((number) => this.#file(number))
      .filter((file) => existsSync(mark(file)))
      .map((file) => ({ file, reason: readFileSync(mark(file), "utf8").trim() }));
  }

  /** From now on everybody who looks for the current file gets another. */
  setAside(file: string, reason: string): void {
    try {
      writeFileSync(mark(file), `${reason}\n`, { flag: "wx" });
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error; // else another process was faster
    }
  }

  /** Gives how many were removed. */
  removeDamaged(): number {
    const damaged = this.damaged();
    for (const { file } of damaged)
      for (const name of [file, `${file}-wal`, `${file}-shm`, mark(file)])
        rmSync(name, { force: true });
    return damaged.length;
  }

  #numbers(): number[] {
    if (!existsSync(this.folder)) return [];
    const numbers = readdirSync(this.folder).map((name) => Number(fileText.exec(name)?.[1]));
    return [...new Set(numbers.filter((number) => number > 0))];
  }

  #file(number: number): string {
    return join(this.folder, `values-${format}-${number}.db`);
  }
}

function mark(file: string): string {
  return `${file}.damaged`;
}
