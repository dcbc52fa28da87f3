import { readdir, realpath, stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { CofferdamError, errorCode, errorMessage, type FileItem } from "cofferdam";
import { cutBytes } from "./cut-bytes.ts";

/**
 * The PDFs that the arguments name: files as they are, folders with all below them (hidden entries
 * left out), each file once however often it is named. Rejects with `INVALID_ARGUMENT` for an
 * argument that is not there or cannot be looked into.
 */
export async function findDocuments(paths: readonly string[]): Promise<FileItem[]> {
  const found = new Map<string, FileItem>();
  const folders = new Set<string>();
  for (const path of paths) await addArgument(path, found, folders);
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function addArgument(
  path: string,
  found: Map<string, FileItem>,
  folders: Set<string>,
): Promise<void> {
  try {
    const absolute = resolve(path);
    if ((await stat(absolute)).isDirectory()) await addFolder(absolute, found, folders);
    else await addFile(absolute, found);
  } catch (error) {
    if (error instanceof CofferdamError) throw error;
    const why =
      errorCode(error) === "ENOENT" ? "there is no such file or folder" : errorMessage(error);
    throw new CofferdamError("INVALID_ARGUMENT", `${path}: ${why}`, { cause: error });
  }
}

async function addFolder(
  folder: string,
  found: Map<string, FileItem>,
  folders: Set<string>,
): Promise<void> {
  // A link can lead back up.
  const real = await realpath(folder);
  if (folders.has(real)) return;
  folders.add(real);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await isDirectory(path)));
    if (isFolder) await addFolder(path, found, folders);
    else if (extname(entry.name).toLowerCase() === ".pdf") await addFile(path, found);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // a link to nowhere: an item that fails, not an argument that does
  }
}

/** In bytes. With `.chunks.json`, and digits that tell it from another, it is still a file's name. */
const longestStem = 200;

async function addFile(path: string, found: Map<string, FileItem>): Promise<void> {
  const key = await realpath(path).catch(() => path);
  const name = basename(path);
  const stem = extname(name).toLowerCase() === ".pdf" ? name.slice(0, -4) : name;
  if (!found.has(key)) found.set(key, { path, output: `${cutBytes(stem, longestStem)}.md` });
}
