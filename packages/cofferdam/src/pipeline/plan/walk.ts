import { readdirSync, realpathSync, statSync, type Dirent } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { errorCode } from "../../errors/index.ts";

/** Compiled `each` patterns: those that match, without those that begin with `!`. */
export interface FilePatterns {
  readonly matches: (path: string) => boolean;
  /** Folders to start from, none below another. */
  readonly bases: readonly string[];
}

export function compilePatterns(patterns: readonly string[]): FilePatterns {
  // Only now: a program without pipelines does not load it.
  const require = createRequire(import.meta.url);
  const picomatch = require("picomatch") as typeof import("picomatch");
  const wanted = patterns.filter((pattern) => !pattern.startsWith("!")).map(withoutDot);
  const unwanted = patterns
    .filter((pattern) => pattern.startsWith("!"))
    .map((pattern) => withoutDot(pattern.slice(1)));
  const matchers = wanted.map((pattern) => picomatch(pattern));
  const except = picomatch(unwanted);
  const bases = wanted.map((pattern) => {
    const { base, isGlob } = picomatch.scan(pattern);
    return isGlob ? base : base.slice(0, Math.max(0, base.lastIndexOf("/")));
  });
  return {
    matches: (path) => matchers.some((matches) => matches(path)) && !except(path),
    bases: topmost(bases),
  };
}

/** The files below a folder that match, each once, by path in the order of their UTF-8 bytes. */
export function* walkFiles(folder: string, patterns: FilePatterns): Generator<string> {
  for (const base of patterns.bases) yield* walkFolder(folder, base, patterns, []);
}

function* walkFolder(
  root: string,
  path: string,
  patterns: FilePatterns,
  above: readonly string[],
): Generator<string> {
  for (const { name, isFolder, isLink } of entriesOf(join(root, path))) {
    const child = path === "" ? name : `${path}/${name}`;
    if (!isFolder) {
      if (patterns.matches(child)) yield child;
    } else if (!isLink) {
      yield* walkFolder(root, child, patterns, above);
    } else {
      // A link can lead back up.
      const real = realpathSync(join(root, child));
      const here = realpathSync(join(root, path));
      if (!above.includes(real) && !`${here}/`.startsWith(`${real}/`))
        yield* walkFolder(root, child, patterns, [...above, real]);
    }
  }
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly isLink: boolean;
}

/** In the order in which the full paths below stand: a folder's name counts with its slash. */
function entriesOf(folder: string): Entry[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) return [];
    throw error;
  }
  const found: Entry[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const isLink = entry.isSymbolicLink();
    const kind = isLink ? statSync(join(folder, entry.name), { throwIfNoEntry: false }) : entry;
    if (kind?.isDirectory()) found.push({ name: entry.name, isFolder: true, isLink });
    // A link to nowhere is an input that has vanished: an item that fails, not one that is not seen.
    else if (kind === undefined || kind.isFile())
      found.push({ name: entry.name, isFolder: false, isLink });
  }
  return found.sort((a, b) => compareUtf8(sortName(a), sortName(b)));
}

function sortName({ name, isFolder }: Entry): string {
  return isFolder ? `${name}/` : name;
}

/** The order of the UTF-8 bytes, which is SQLite's; that of UTF-16 differs beyond the first plane. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const one = a.charCodeAt(index);
    const other = b.charCodeAt(index);
    if (one !== other) return rank(one) - rank(other);
  }
  return a.length - b.length;
}

/** Surrogates stand for characters that come after all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function withoutDot(pattern: string): string {
  return pattern.startsWith("./") ? pattern.slice(2) : pattern;
}

function topmost(bases: readonly string[]): string[] {
  const clean = bases.map((base) => (base === "." ? "" : base.replace(/\/$/, "")));
  const isBelow = (path: string, base: string): boolean =>
    path !== base && (base === "" || path.startsWith(`${base}/`));
  return [...new Set(clean)]
    .filter((path) => !clean.some((base) => isBelow(path, base)))
    .sort((a, b) => compareUtf8(`${a}/`, `${b}/`));
}
