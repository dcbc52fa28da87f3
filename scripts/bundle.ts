/**
 * A package's modules as few files: each file that Node loads costs a third of a millisecond, which
 * for two hundred is most of the time to a program's first task. What is loaded on demand stays in
 * files of its own, and so do other packages.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown, type CodeSplittingGroup, type Plugin } from "rolldown";
import { mergeEntry, type MergedEntry } from "./merge-entry.ts";

/** Modules of Node's own that are loaded late; the sources take functions alone of them. */
const builtins = new Set([
  "node:crypto",
  "node:fs/promises",
  "node:module",
  "node:stream/promises",
  "node:zlib",
]);

export interface Bundle {
  /** Modules that are loaded from outside; what several need lies beside the first of them. */
  readonly entries: readonly string[];
  /** Entries that are one file. */
  readonly merged: readonly MergedEntry[];
  /**
   * For a module that others know a part of the package by: those of its imports that it loads when
   * a function of theirs is first called. It names functions alone of them.
   */
  readonly late: Readonly<Record<string, readonly string[]>>;
}

/**
 * Makes of the compiled modules in `dist` one file for each entry, and `dist/chunks/` with what they
 * share. Chunks lie as deep as the modules they are made of, so that paths relative to
 * `import.meta.url` hold.
 */
export async function bundle(dist: string, { entries, merged, late }: Bundle): Promise<void> {
  const path = (name: string): string => join(dist, `${name}.js`);
  const build = await rolldown({
    input: Object.fromEntries(entries.map((name) => [name, path(name)])),
    external: (id) => /^[^./\0]/.test(id) && !builtins.has(id),
    platform: "node",
    treeshake: false,
    experimental: { attachDebugInfo: "none" },
    plugins: [
      lateBuiltins(dist),
      ...Object.entries(late).map(([face, names]) => lateModules(path(face), names.map(path))),
      mapToSources,
    ],
  });
  const { output } = await build.generate({
    dir: dist,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    codeSplitting: {
      groups: entries.map((name) => neededBy(path(name), name.replaceAll("/", "-"))),
    },
    sourcemap: true,
    // Short names are read faster; those of functions and classes stay, and so do lines, for traces.
    minify: {
      compress: false,
      mangle: { toplevel: false, keepNames: true },
      codegen: { removeWhitespace: false },
    },
    comments: false,
  });
  await build.close();
  for (const file of globSync(join(dist, "**/*.{js,js.map}"))) rmSync(file);
  const files = new Map(
    output.map((file) => [
      file.fileName,
      file.type === "chunk" ? lighten(file.code) : String(file.source),
    ]),
  );
  for (const entry of merged) mergeEntry(files, entry);
  for (const [file, text] of files) {
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    writeFileSync(join(dist, file), text);
  }
}

/**
 * One chunk with an entry and all that it needs when it is loaded, but for what is in a chunk before
 * it. An entry that exports nothing is that chunk itself, and others import from it.
 */
function neededBy(entry: string, name: string): CodeSplittingGroup {
  let needed: Set<string> | undefined;
  return {
    debugName: name,
    name: (id, graph) => {
      needed ??= staticImports(entry, (module) => graph.getModuleInfo(module)?.importedIds ?? []);
      return needed.has(id) ? name : null;
    },
  };
}

function staticImports(entry: string, importsOf: (id: string) => readonly string[]): Set<string> {
  const found = new Set([entry]);
  for (const id of found) for (const imported of importsOf(id)) found.add(imported);
  return found;
}

/** What starts a program later and does nothing for it. Lines stay where they are, so maps hold. */
function lighten(code: string): string {
  return escapeNonAscii(lightenImports(code));
}

/** One character above U+00FF, and the engine keeps and parses all of a file in twice the bytes. */
function escapeNonAscii(code: string): string {
  const unit = (one: string): string => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return code.replace(/[^\0-\x7f]/g, unit);
}

/**
 * A module of Node's own that is imported by name is looked through whole, which loads all that
 * hangs on it: for `node:fs` its streams. And the bundler's own helpers do nothing for who takes
 * none of them.
 */
function lightenImports(code: string): string {
  const imports = /^import \{ ([^}]*) \} from "(node:[^"]+)";$/gm;
  const unused = /^import "[^"]*\/rolldown-runtime\.js";$/gm;
  return code.replace(unused, "").replace(imports, (_, names: string, module: string) => {
    const taken = names.replaceAll(" as ", ": ");
    return `const { ${taken} } = process.getBuiltinModule("${module}");`;
  });
}

/**
 * Loads a module of Node's own when something of it is first called. Such a module takes
 * milliseconds, and the first task of a pool does not need it.
 */
function lateBuiltins(dist: string): Plugin {
  return {
    name: "late-builtins",
    resolveId: (id) => (builtins.has(id) ? `\0${id}` : null),
    load(id) {
      const module = id.slice(1);
      if (!builtins.has(module)) return null;
      const load = `process.getBuiltinModule("${module}")`;
      return Array.from(
        takenFrom(module, dist),
        (name) => `export function ${name}(...args) { return ${load}.${name}(...args); }`,
      ).join("\n");
    },
  };
}

/** The names by which the compiled modules import from a module. */
function takenFrom(module: string, dist: string): Set<string> {
  const imports = new RegExp(`^import \\{ ([^}]*) \\} from "${module}";$`, "gm");
  const names = new Set<string>();
  for (const file of globSync(join(dist, "**/*.js")))
    for (const [, list = ""] of readFileSync(file, "utf8").matchAll(imports))
      for (const name of list.split(", ")) names.add(name.split(" as ")[0] ?? name);
  return names;
}

/**
 * The same for modules of ours, as `face` imports them: a file of its own for each, with what it
 * alone needs, and functions in its place that load it.
 */
function lateModules(face: string, files: readonly string[]): Plugin {
  return {
    name: "late-modules",
    async resolveId(id, importer) {
      if (importer !== face) return null;
      const resolved = await this.resolve(id, importer, { skipSelf: true });
      return resolved && files.includes(resolved.id) ? `\0late:${resolved.id}` : null;
    },
    async load(id) {
      if (!id.startsWith("\0late:")) return null;
      const file = id.slice("\0late:".length);
      const chunk = this.emitFile({ type: "chunk", id: file });
      const exports = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
      // What is no function the face may not name; the bundler would miss it.
      const functions = Object.keys(exports).filter((name) => isPlainFunction(exports[name]));
      const stubs = functions.map(
        (name) => `export function ${name}(...args) { return load().${name}(...args); }`,
      );
      return [
        "let loaded;",
        'const require = () => process.getBuiltinModule("node:module").createRequire(import.meta.url);',
        `const load = () => loaded ??= require()(process.getBuiltinModule("node:url").fileURLToPath(import.meta.ROLLUP_FILE_URL_${chunk}));`,
        ...stubs,
      ].join("\n");
    },
  };
}

function isPlainFunction(value: unknown): boolean {
  return typeof value === "function" && !String(value).startsWith("class");
}

/** So that the bundle's map leads to `src`, by the compiler's own. */
const mapToSources: Plugin = {
  name: "map-to-sources",
  load(id) {
    if (!id.endsWith(".js")) return null;
    const map = JSON.parse(readFileSync(`${id}.map`, "utf8")) as { sources: string[] };
    return { code: readFileSync(id, "utf8"), map: map as never };
  },
};
