import { hash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";

/**
 * Of a module or Python file and the files beside it that it needs, and theirs: what is imported by
 * a relative path or found in the file's own folder. What is installed elsewhere is no part of it.
 */
export function hashCode(path: string, language: "js" | "python"): string {
  const seen = new Map<string, string>();
  const add = (file: string): void => {
    if (seen.has(file)) return;
    const text = isFile(file) ? readFileSync(file, "utf8") : "missing";
    seen.set(file, text);
    const needed =
      language === "js" ? neededByModule(file, text) : neededByPython(file, text, dirname(path));
    for (const other of needed) add(other);
  };
  add(path);
  return hash("sha256", JSON.stringify([...seen.values()]));
}

const imports = /(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g;
/** `require("./x")`, and `createRequire(import.meta.url)("./x")`; else any path in quotes. */
const paths = /((?:\brequire\s*|\)\s*)\(\s*)?["'`](\.{1,2}\/[^"'`\n]+)["'`]/g;
const codeEndings = [".js", ".cjs", ".mjs", ".ts", ".cts", ".mts"];
const requireEndings = ["", ".js", ".cjs", ".json", ".ts", ".cts", "/index.js", "/index.cjs"];

function neededByModule(file: string, text: string): string[] {
  const folder = dirname(file);
  const imported = Array.from(text.matchAll(imports), ([, target = ""]) => resolve(folder, target));
  const named = Array.from(text.matchAll(paths), ([, call, target = ""]) => {
    const path = resolve(folder, target);
    if (call !== undefined)
      return requireEndings.map((ending) => path + ending).find((one) => isFile(one));
    // A function may have any name: a path of code in quotes is taken for what it loads.
    return codeEndings.includes(extname(path)) && isFile(path) ? path : undefined;
  });
  return [...imported, ...named.filter((path) => path !== undefined)];
}

const pythonImport = /(?:^|[;:])[ \t]*import[ \t]+([^\n#;]+)/gm;
const pythonFrom =
  /(?:^|[;:])[ \t]*from[ \t]+(\.*)[ \t]*([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)/gm;

/** Python looks in `root`, the folder of the file that it was given first. */
function neededByPython(file: string, text: string, root: string): string[] {
  const needed: string[] = [];
  for (const [, names = ""] of text.matchAll(pythonImport))
    for (const name of namesIn(names)) needed.push(...modulesOf(root, name.split(".")));
  for (const [, dots = "", module = "", names = ""] of text.matchAll(pythonFrom)) {
    const base = dots === "" ? root : join(dirname(file), "../".repeat(dots.length - 1));
    const parts = module === "" ? [] : module.split(".");
    needed.push(...modulesOf(base, parts));
    // Each name may be a module of the package.
    for (const name of namesIn(names)) needed.push(...modulesOf(base, [...parts, name]));
  }
  return needed;
}

/** `a.b as c, d` → `a.b`, `d` */
function namesIn(list: string): string[] {
  return list
    .replace(/#.*$/gm, "")
    .replace(/[()\\]/g, "")
    .split(",")
    .map((name) => name.trim().split(/\s/)[0] ?? "")
    .filter((name) => /^[\w.]+$/.test(name));
}

/** The files of a module, and of the packages that it is in. */
function modulesOf(base: string, parts: readonly string[]): string[] {
  const folders = [base, ...parts.map((_, index) => join(base, ...parts.slice(0, index + 1)))];
  const packages = folders.map((folder) => join(folder, "__init__.py"));
  return [...packages, `${join(base, ...parts)}.py`].filter((path) => isFile(path));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
