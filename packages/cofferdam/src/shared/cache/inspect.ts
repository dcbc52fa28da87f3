import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { CofferdamError, errorMessage } from "../../errors/index.ts";
import { troubleOf } from "../../worker/sqlite.ts";
import { CacheDatabase, type CacheTotals } from "./cache-database.ts";
import { cachesDirectory, CacheFiles } from "./cache-files.ts";

/** A cache as it lies on the disk, whoever uses it. */
export interface CacheState extends CacheTotals {
  readonly name: string;
  readonly folder: string;
  /** Of all its files, those that were set aside included. */
  readonly fileBytes: number;
  readonly damaged: readonly { readonly file: string; readonly reason: string }[];
  /** Set when its file cannot be read. */
  readonly problem?: string;
}

/** Folders of the caches of these names or paths; of all the user's caches when none is given. */
export function findCaches(names: readonly string[]): string[] {
  const base = cachesDirectory();
  if (names.length === 0) {
    if (!existsSync(base)) return [];
    return readdirSync(base)
      .sort()
      .map((name) => join(base, name))
      .filter((folder) => isCache(folder));
  }
  return names.map((name) => {
    const folder = name.includes("/") ? resolve(name) : join(base, name);
    if (isCache(folder)) return folder;
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `there is no cache in ${folder}: give the name of one in ${base}, or a folder's path with a slash in it`,
    );
  });
}

export function cacheState(folder: string): CacheState {
  const files = new CacheFiles(folder);
  const about = { name: basename(folder), folder, damaged: files.damaged() };
  try {
    using database = new CacheDatabase(files.current());
    return { ...about, ...database.totals(), fileBytes: sizeOf(folder) };
  } catch (error) {
    const problem = errorMessage(error);
    return { ...about, entries: 0, bytes: 0, fileBytes: sizeOf(folder), problem };
  }
}

/** What `clearCache` has removed. */
export interface Cleared {
  readonly values: number;
  /** Files that were damaged. How many values they held is not known. */
  readonly files: number;
}

/** Another file that is damaged as soon as it is made is not this cache's trouble. */
const filesMax = 3;

/** Removes all values, and damaged files, also under the hands of programs that use the cache. */
export function clearCache(folder: string): Cleared {
  const files = new CacheFiles(folder);
  let removed = files.removeDamaged();
  for (let attempt = 1; ; attempt++) {
    const file = files.current();
    try {
      const values = clearFile(file);
      // Only now, when another file has its place: a number is not used twice.
      removed += files.removeDamaged();
      return { values, files: removed };
    } catch (error) {
      if (troubleOf(error) !== "damaged" || attempt === filesMax) throw error;
      files.setAside(file, errorMessage(error));
    }
  }
}

function clearFile(file: string): number {
  using database = new CacheDatabase(file);
  for (;;) {
    const cleared = database.transact(() => {
      const { entries } = database.totals();
      database.clear();
      return entries;
    });
    if (cleared === null) continue; // another process was writing; its transactions are short
    database.compact();
    return cleared;
  }
}

/** Reads the whole cache; gives what is wrong with it, a line each. */
export function verifyCache(folder: string): string[] {
  try {
    using database = new CacheDatabase(new CacheFiles(folder).current());
    return database.verify();
  } catch (error) {
    return [errorMessage(error)];
  }
}

function isCache(folder: string): boolean {
  return new CacheFiles(folder).exists();
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (sum, { name }) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
}
