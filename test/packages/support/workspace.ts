import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../..", import.meta.url));

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly cpu?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface PublicPackage {
  /** Relative to the repository. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** The packages that are published, those for other processors excepted. */
export function findPublicPackages(): PublicPackage[] {
  return globSync("{packages,apps}/*/package.json", { cwd: root })
    .sort()
    .map(dirname)
    .map((folder) => ({ folder, manifest: readManifest(join(root, folder)) }))
    .filter(({ manifest }) => manifest.private !== true)
    .filter(({ manifest }) => !manifest.cpu || (manifest.cpu.includes(process.arch) && canLink()));
}

/** Whether a static program can be built here, as a platform package needs it. */
function canLink(): boolean {
  const found = spawnSync("cc", ["-print-file-name=libc.a"], { encoding: "utf8" });
  return process.platform === "linux" && found.status === 0 && isAbsolute(found.stdout.trim());
}

/**
 * Copies what is needed to pack. Packing in the repository itself would put compiled files beside
 * the sources, and a second keeper where the tests that run meanwhile would find it.
 */
export function copyWorkspace(to: string, packages: readonly PublicPackage[]): void {
  const shared = ["package.json", ".npmrc", "tsconfig.base.json", "scripts", "keeper/src"];
  for (const path of [...shared, ...packages.map(({ folder }) => folder)])
    cpSync(join(root, path), join(to, path), {
      recursive: true,
      filter: (source) => !["node_modules", "dist", "test"].includes(basename(source)),
    });
  for (const { folder } of packages) {
    const own = join(root, folder, "node_modules");
    if (existsSync(own)) symlinkSync(own, join(to, folder, "node_modules"));
  }
  linkModules(to, packages);
}

/** The repository's installed modules, and the copied packages for one another. */
function linkModules(to: string, packages: readonly PublicPackage[]): void {
  const modules = join(to, "node_modules");
  mkdirSync(join(modules, "@cofferdam"), { recursive: true });
  const copied = new Set(["@cofferdam", ...packages.map(({ manifest }) => manifest.name)]);
  for (const name of readdirSync(join(root, "node_modules")))
    if (!copied.has(name)) symlinkSync(join(root, "node_modules", name), join(modules, name));
  for (const { folder, manifest } of packages)
    symlinkSync(join(to, folder), join(modules, manifest.name));
}
