import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./run.ts";
import { root } from "./workspace.ts";

/** The oldest Node that the packages promise to run on. */
export const oldestNode = "22.18.0";

/**
 * That Node, from the registry: kept under `node_modules/.cache`, and not a dependency of the
 * repository, where its `node` and the newer one would contend for `node_modules/.bin/node`.
 * Null, where it cannot be had.
 */
export async function findOldestNode(): Promise<string | null> {
  if (process.platform !== "linux") return null;
  const cache = join(root, "node_modules", ".cache", "cofferdam");
  const name = `node-linux-${process.arch}`;
  const folder = join(cache, `node-${oldestNode}`);
  const node = join(folder, "node_modules", name, "bin", "node");
  if (existsSync(node)) return node;
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, "fresh-"));
  const flags = ["--prefix", fresh, "--no-audit", "--no-fund", "--ignore-scripts"];
  const { code } = await run("npm", ["install", ...flags, `${name}@${oldestNode}`], { cwd: fresh });
  // Another run may have been faster.
  if (code === 0 && !existsSync(folder)) renameSync(fresh, folder);
  rmSync(fresh, { recursive: true, force: true });
  return existsSync(node) ? node : null;
}

/** A Node of this machine that is too old for the packages. Null where there is none. */
export async function findTooOldNode(): Promise<string | null> {
  const folders = new Set([
    "/usr/bin",
    "/usr/local/bin",
    ...(process.env["PATH"] ?? "").split(delimiter),
  ]);
  for (const folder of folders) {
    const node = join(folder, "node");
    if (!existsSync(node)) continue;
    const { stdout } = await run(node, ["--version"]);
    const [major = 0, minor = 0] = stdout.replace("v", "").split(".").map(Number);
    if (major < 22 || (major === 22 && minor < 18)) return node;
  }
  return null;
}
