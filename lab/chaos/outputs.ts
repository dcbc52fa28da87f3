import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** The finished files of a run: path inside the folder, and a hash of the content. */
export type Outputs = ReadonlyMap<string, string>;

export interface OutputCheck {
  /** Finished files that a reader would see, and that differ from the reference. */
  readonly torn: readonly string[];
  /** Files of the reference that are not there (yet). */
  readonly missing: readonly string[];
}

/** Files whose name ends in `suffix` and does not begin with a dot: what a reader takes for done. */
export function listOutputs(folder: string, suffix: string): string[] {
  return listFiles(folder).filter(
    (path) => path.endsWith(suffix) && !path.split("/").some((part) => part.startsWith(".")),
  );
}

export function readOutputs(folder: string, suffix: string): Outputs {
  const files = listOutputs(folder, suffix).toSorted();
  return new Map(
    files.map((path) => [
      path,
      createHash("sha256")
        .update(readFileSync(join(folder, path)))
        .digest("hex"),
    ]),
  );
}

export function checkOutputs(found: Outputs, reference: Outputs): OutputCheck {
  return {
    torn: [...found].filter(([path, hash]) => reference.get(path) !== hash).map(([path]) => path),
    missing: [...reference.keys()].filter((path) => !found.has(path)),
  };
}

/** All files below a folder, hidden ones too, by their path inside it. */
export function listFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}
