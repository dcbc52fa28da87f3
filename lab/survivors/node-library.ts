import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** The two answers of an adapter whose peer is an npm package, from the package's own manifest. */
export function nodeLibrary(name: string): {
  readonly available: () => Promise<string | null>;
  readonly version: () => Promise<string>;
} {
  const readVersion = (): string | null => {
    try {
      const path = findPackageJSON(name, import.meta.url);
      if (path === undefined) return null;
      return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
    } catch {
      return null;
    }
  };
  return {
    available: () =>
      Promise.resolve(readVersion() === null ? `${name} is not installed: npm install` : null),
    version: () => Promise.resolve(readVersion() ?? "unknown"),
  };
}
