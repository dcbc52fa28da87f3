import { readdirSync } from "node:fs";
import { posix } from "node:path";
import { CofferdamError, errorCode, errorMessage } from "cofferdam";

const notData = new Set([".git", ".venv", "__pycache__", ".ipynb_checkpoints"]);

/**
 * All `*.csv` below a folder, sorted, each as the path from here: a run's id depends on it. Rejects
 * with `INVALID_ARGUMENT` for a folder that cannot be read or holds none.
 */
export function findSources(rawRoot: string): string[] {
  const found: string[] = [];
  const root = posix.normalize(rawRoot);
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!notData.has(entry.name)) walk(path);
      } else if (entry.name.endsWith(".csv") && !entry.name.startsWith("._")) found.push(path);
    }
  };
  try {
    walk(root);
  } catch (error) {
    const code = errorCode(error);
    const why =
      code === "ENOENT"
        ? "there is no such folder"
        : code === "ENOTDIR"
          ? "it is not a folder"
          : errorMessage(error);
    throw new CofferdamError("INVALID_ARGUMENT", `the raw root ${rawRoot}: ${why}`);
  }
  if (found.length === 0)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the raw root ${rawRoot} holds no *.csv; give the folder with the instrument's files`,
    );
  return found.sort();
}
