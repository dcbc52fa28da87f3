/**
 * Compiles packages for publishing: `src/*.ts` to `dist/*.js` and `.d.ts`. In a package's folder
 * (so as its `prepack`) that one and the workspace packages it needs, anywhere else all. In the
 * repository itself nothing reads `dist`: there the sources run as they are.
 */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle, type Bundle } from "./bundle.ts";

interface Manifest {
  readonly name: string;
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);
const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Name to folder of each workspace package that is compiled. */
function findPackages(): Map<string, string> {
  const patterns = (readManifest(root).workspaces ?? []).filter((one) => !one.startsWith("!"));
  const configs = globSync(
    patterns.map((pattern) => `${pattern}/tsconfig.build.json`),
    { cwd: root },
  );
  const folders = configs.map((config) => dirname(join(root, config))).sort();
  return new Map(folders.map((folder) => [readManifest(folder).name, folder]));
}

/** The packages with all that they need among themselves, each after what it needs. */
function inOrder(wanted: Iterable<string>, packages: ReadonlyMap<string, string>): string[] {
  const ordered = new Set<string>();
  for (const name of wanted) {
    const folder = packages.get(name);
    if (folder === undefined || ordered.has(name)) continue;
    const needed = Object.keys(readManifest(folder).dependencies ?? {});
    for (const one of [...inOrder(needed, packages), name]) ordered.add(one);
  }
  return [...ordered];
}

/** Packages that are started over and over. */
const bundled: Readonly<Record<string, Bundle>> = {
  cofferdam: {
    entries: ["worker/main", "index", "pipeline/index", "cli/main"],
    merged: [{ face: "index.js", body: "chunks/index.js", home: "worker/main.js" }],
    late: {
      index: ["cli/interrupts", "cli/options", "cli/summarize", "events/index"],
      "events/index": ["events/renderer"],
      "open-scope": ["scope/exec", "shared/index"],
      "pipeline/index": [
        "pipeline/config/define-pipeline",
        "pipeline/config/load-pipeline",
        "pipeline/files/hash-file",
        "pipeline/inspect/index",
        "pipeline/joblog/joblog",
        "pipeline/joblog/pipeline-entry",
        "pipeline/map/run-map",
        "pipeline/output-folder",
        "pipeline/plan/prepare-stages",
        "pipeline/run-items",
        "pipeline/run/run-pipeline",
      ],
      "pool/pool": ["pool/map"],
      "scope/scope-core": ["scope/budget"],
      "worker/context": ["worker/cache", "worker/limit"],
    },
  },
};

async function build(name: string, folder: string): Promise<void> {
  // A module that is gone from `src` must not stay in `dist` and be published.
  rmSync(join(folder, "dist"), { recursive: true, force: true });
  const { status, error } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
    cwd: folder,
    stdio: ["ignore", 2, 2], // `npm pack --json` prints JSON on standard output
  });
  if (error) throw error;
  if (status !== 0) {
    console.error(`build-packages: ${name} does not compile`);
    process.exit(1);
  }
  for (const file of globSync(join(folder, "dist/**/*.{d.ts,js}"))) importCompiled(file);
  const parts = bundled[name];
  if (parts) await bundle(join(folder, "dist"), parts);
}

/**
 * The compiler rewrites `.ts` in relative imports to `.js` in modules, but not in declarations, nor
 * in dynamic imports of functions that have a `using`. The text keeps its length, so the maps stay
 * true.
 */
function importCompiled(file: string): void {
  const text = readFileSync(file, "utf8");
  const imports = /(\bfrom |\bimport |\bimport\()"(\.{1,2}\/[^"]*)\.ts"/g;
  writeFileSync(file, text.replace(imports, '$1"$2.js"'));
}

const packages = findPackages();
const inPackage = existsSync("tsconfig.build.json");
const wanted = inPackage ? [readManifest(process.cwd()).name] : packages.keys();
for (const name of inOrder(wanted, packages)) await build(name, packages.get(name) ?? "");
