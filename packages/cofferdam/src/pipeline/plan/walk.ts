import { isUtf8 } from "node:buffer";
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

/** A file that is found. */
export interface FoundFile {
  readonly path: string;
  /** Its name, or that of a folder that it is, is no text: what stands in `path` for it opens nothing. */
  readonly isNameless: boolean;
}

/** The files below a folder that match, each once, by path in the order of their UTF-8 bytes. */
export function* walkFiles(folder: string, patterns: FilePatterns): Generator<FoundFile> {
  const found = patterns.bases.map((base) => walkFolder(folder, base, patterns, []));
  const [only, ...more] = found;
  if (only && more.length === 0) yield* only;
  else yield* merge(found);
}

/** A folder's files and those of one above it do not follow one another. */
function* merge(sources: readonly Generator<FoundFile>[]): Generator<FoundFile> {
  const heads = sources.flatMap((source) => {
    const next = source.next();
    return next.done ? [] : [{ source, value: next.value }];
  });
  while (heads.length > 0) {
    const first = heads.reduce((a, b) => (compareUtf8(b.value.path, a.value.path) < 0 ? b : a));
    yield first.value;
    const next = first.source.next();
    if (next.done) heads.splice(heads.indexOf(first), 1);
    else first.value = next.value;
  }
}

function* walkFolder(
  root: string,
  path: string,
  patterns: FilePatterns,
  above: readonly string[],
): Generator<FoundFile> {
  for (const { name, isFolder, isLink, isNameless } of entriesOf(join(root, path))) {
    const child = path === "" ? name : `${path}/${name}`;
    if (isNameless) {
      // Of a folder nobody can say what is in it.
      if (isFolder || patterns.matches(child)) yield { path: child, isNameless };
    } else if (!isFolder) {
      if (patterns.matches(child)) yield { path: child, isNameless };
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
  readonly isNameless: boolean;
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
  let isAllText = true;
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    // What cannot be decoded has this in its place; a name may also have it by itself.
    if (entry.name.includes("\uFFFD")) isAllText = false;
    const isLink = entry.isSymbolicLink();
    const kind = isLink ? statSync(join(folder, entry.name), { throwIfNoEntry: false }) : entry;
    if (kind?.isDirectory())
      found.push({ name: entry.name, isFolder: true, isLink, isNameless: false });
    // A link to nowhere is an input that has vanished: an item that fails, not one that is not seen.
    else if (kind === undefined || kind.isFile())
      found.push({ name: entry.name, isFolder: false, isLink, isNameless: false });
  }
  const all = isAllText ? found : namelessTold(folder, found);
  return all.sort((a, b) => compareUtf8(sortName(a), sortName(b)));
}

/** Names that are not UTF-8 are told apart by their bytes: `x\xff.txt`. */
function namelessTold(folder: string, found: readonly Entry[]): Entry[] {
  const nameless = readdirSync(folder, { withFileTypes: true, encoding: "buffer" })
    .filter(({ name }) => !isUtf8(name) && name[0] !== 0x2e)
    .map((entry) => ({
      ...{ name: escapeBytes(entry.name), isFolder: entry.isDirectory() },
      ...{ isLink: false, isNameless: true },
    }));
  const decoded = new Set(
    readdirSync(folder, { encoding: "buffer" })
      .filter((name) => isUtf8(name))
      .map(String),
  );
  const taken = found.filter(({ name }) => decoded.has(name));
  // One that is really called so is another file.
  return [...taken, ...nameless.filter(({ name }) => !decoded.has(name))];
}

/** As latin1, so that each byte is one character; those that ASCII does not have are written out. */
function escapeBytes(name: Buffer): string {
  return name
    .toString("latin1")
    .replace(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
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
  // `../x` is not below the folder itself, nor `../../x` below `..`.
  const isBelow = (path: string, base: string): boolean => {
    const rest = base === "" ? path : path.startsWith(`${base}/`) && path.slice(base.length + 1);
    return path !== base && rest !== false && !/^\.\.(\/|$)/.test(rest);
  };
  return [...new Set(clean)]
    .filter((path) => !clean.some((base) => isBelow(path, base)))
    .sort((a, b) => compareUtf8(`${a}/`, `${b}/`));
}
