import { readdir, realpath, stat } from "node:fs/promises";
import { extname, resolve, sep } from "node:path";
import { CofferdamError, errorCode, errorMessage, type FileItem } from "cofferdam";
import { cutBytes } from "./cut-bytes.ts";

/**
 * The PDFs that the arguments name: files as they are, folders with all below them (hidden entries
 * left out), each file once however often it is named. Rejects with `INVALID_ARGUMENT` for an
 * argument that is not there or cannot be looked into.
 *
 * Names of files are bytes (path_resolution(7)), and Node's texts cannot say all of them: folders are
 * read as bytes, so that every file is met. One whose name is no text cannot be opened by the engines,
 * and fails in its turn under a name that tells its bytes.
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
    const absolute = Buffer.from(resolve(path));
    if ((await stat(absolute)).isDirectory()) await addFolder(absolute, found, folders);
    else await addFile(absolute, found);
  } catch (error) {
    if (error instanceof CofferdamError) throw error;
    throw new CofferdamError("INVALID_ARGUMENT", `${path}: ${whyNot(path, error)}`, {
      cause: error,
    });
  }
}

function whyNot(path: string, error: unknown): string {
  if (errorCode(error) !== "ENOENT") return errorMessage(error);
  return path.includes("\ufffd")
    ? "there is no such file or folder; if its name is not valid UTF-8, rename it"
    : "there is no such file or folder";
}

const slash = Buffer.from(sep);

async function addFolder(
  folder: Buffer,
  found: Map<string, FileItem>,
  folders: Set<string>,
): Promise<void> {
  // A link can lead back up.
  const real = await realKey(folder);
  if (folders.has(real)) return;
  folders.add(real);
  const inside = folder.toString("latin1") === sep ? folder : Buffer.concat([folder, slash]);
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: "buffer" })) {
    const name = entry.name.toString();
    if (name.startsWith(".")) continue;
    const path = Buffer.concat([inside, entry.name]);
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await isDirectory(path)));
    if (isFolder) await addFolder(path, found, folders);
    else if (extname(name).toLowerCase() === ".pdf") await addFile(path, found);
  }
}

async function isDirectory(path: Buffer): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // a link to nowhere: an item that fails, not an argument that does
  }
}

/** In bytes. With `.chunks.json`, and digits that tell it from another, it is still a file's name. */
const longestStem = 200;

async function addFile(bytes: Buffer, found: Map<string, FileItem>): Promise<void> {
  const key = await realKey(bytes).catch(() => bytes.toString("latin1"));
  const path = toText(bytes);
  const name = path.slice(path.lastIndexOf(sep) + 1);
  const stem = extname(name).toLowerCase() === ".pdf" ? name.slice(0, -4) : name;
  if (!found.has(key)) found.set(key, { path, output: `${cutBytes(stem, longestStem)}.md` });
}

/** What a path really leads to, a character for each byte, so that no two are the same. */
async function realKey(path: Buffer): Promise<string> {
  return (await realpath(path, { encoding: "buffer" })).toString("latin1");
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A path as text. A name in it that is no text gets its bytes spelt out: `caf\xe9.pdf`. */
function toText(path: Buffer): string {
  const names = path.toString("latin1").split(sep);
  return names.map(nameToText).join(sep);
}

function nameToText(name: string): string {
  try {
    return utf8.decode(Buffer.from(name, "latin1"));
  } catch {
    return name.replace(
      /[\u0080-\u00ff]/g,
      (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
  }
}
