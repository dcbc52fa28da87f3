import { execFile, execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Adapter } from "./adapter.ts";

let found: string | null | undefined;

/**
 * The interpreter that `python3` stands for, or `null` where there is none. The name itself may be
 * a wrapper, which would be one more process, and one more start, in what is measured.
 */
export function findPython(): string | null {
  if (found === undefined) {
    try {
      const print = ["-c", "import sys; print(sys.executable)"];
      found = execFileSync("python3", print, {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    } catch {
      found = null;
    }
  }
  return found;
}

/** What a Python expression prints, after the given imports; `null` when that fails. */
export async function askPython(code: string): Promise<string | null> {
  const python = findPython();
  if (python === null) return null;
  try {
    return (await promisify(execFile)(python, ["-c", code])).stdout.trim();
  } catch {
    return null;
  }
}

export const pythonVersion = async (): Promise<string> =>
  (await askPython("import platform; print(platform.python_version())")) ?? "unknown";

export const pythonMissing = "python3 is not installed: apt-get install python3";

/** A peer that is a Python library: a program in `adapters/programs`, and the module it needs. */
export function pythonAdapter(
  peer: Pick<Adapter, "name" | "title" | "version"> & {
    readonly program: string;
    /** A module that does not come with Python, and how to get it. */
    readonly needs?: { readonly module: string; readonly install: string };
  },
): Adapter {
  const { name, title, version, program, needs } = peer;
  return {
    name,
    title,
    version,
    available: async () => {
      if (findPython() === null) return pythonMissing;
      if (needs === undefined || (await askPython(`import ${needs.module}`)) !== null) return null;
      return `the module ${needs.module} is not installed: ${needs.install}`;
    },
    supervisor: (task, deadlineMs) => [
      findPython() ?? "python3",
      fileURLToPath(new URL(`adapters/programs/${program}`, import.meta.url)),
      deadlineMs === null ? "never" : String(deadlineMs),
      ...task,
    ],
  };
}
