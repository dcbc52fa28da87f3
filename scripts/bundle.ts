/**
 * A package's modules as few files: each file that Node loads costs a third of a millisecond, which
 * for two hundred is most of the time to a program's first task. What is loaded on demand stays in
 * files of its own, and so do other packages.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rolldown, type Plugin } from "rolldown";

/** What the sources take from the modules that are loaded late: functions alone. */
const late = new Map([
  ["node:crypto", ["createHash", "hash", "randomBytes", "randomUUID"]],
  ["node:zlib", ["crc32"]],
]);

/**
 * Makes of the compiled modules in `dist` one file for each name, and `dist/chunks/` with what they
 * share. Chunks lie as deep as the modules they are made of, so that paths relative to
 * `import.meta.url` hold.
 */
export async function bundle(dist: string, names: readonly string[]): Promise<void> {
  const build = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, join(dist, `${name}.js`)])),
    external: (id) => /^[^./\0]/.test(id) && !late.has(id),
    platform: "node",
    treeshake: false,
    plugins: [lateModules, mapToSources],
  });
  const { output } = await build.generate({
    dir: dist,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    sourcemap: true,
    comments: false,
  });
  await build.close();
  for (const file of globSync(join(dist, "**/*.{js,js.map}"))) rmSync(file);
  for (const file of output) {
    const path = join(dist, file.fileName);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.type === "chunk" ? takeBuiltinModules(file.code) : file.source);
  }
}

/**
 * A module of Node's own that is imported by name is looked through whole, which loads all that
 * hangs on it: for `node:fs` its streams. Lines stay where they are, and so source maps hold.
 */
function takeBuiltinModules(code: string): string {
  const imports = /^import \{ ([^}]*) \} from "(node:[^"]+)";$/gm;
  return code.replace(imports, (_, names: string, module: string) => {
    const taken = names.replaceAll(" as ", ": ");
    return `const { ${taken} } = process.getBuiltinModule("${module}");`;
  });
}

/**
 * Loads a module of Node's own when something of it is first called. Such a module takes
 * milliseconds, and the first task of a pool does not need it.
 */
const lateModules: Plugin = {
  name: "late-modules",
  resolveId: (id) => (late.has(id) ? `\0${id}` : null),
  load(id) {
    const module = id.slice(1);
    const names = late.get(module);
    if (!names) return null;
    const load = `process.getBuiltinModule("${module}")`;
    return names
      .map((name) => `export function ${name}(...args) { return ${load}.${name}(...args); }`)
      .join("\n");
  },
};

/** So that the bundle's map leads to `src`, by the compiler's own. */
const mapToSources: Plugin = {
  name: "map-to-sources",
  load(id) {
    if (!id.endsWith(".js")) return null;
    const map = JSON.parse(readFileSync(`${id}.map`, "utf8")) as { sources: string[] };
    return { code: readFileSync(id, "utf8"), map: map as never };
  },
};
