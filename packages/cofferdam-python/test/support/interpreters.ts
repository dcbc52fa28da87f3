import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Path of a Python of that version, from the PATH or from pyenv; null where there is none. */
export function findPython(version: string): string | null {
  const pyenv = process.env["PYENV_ROOT"] ?? join(homedir(), ".pyenv");
  const candidates = [
    `python${version}`,
    ...globSync(join(pyenv, "versions", `${version}.*`, "bin", "python3")),
  ];
  for (const candidate of candidates) {
    const said = spawnSync(candidate, ["-c", "import sys; print(sys.executable)"], {
      encoding: "utf8",
    });
    if (said.status === 0) return said.stdout.trim();
  }
  return null;
}

/** The name of a test that needs it, and whether it must be skipped. */
export function needsPython(version: string): { name: string; interpreter: string | null } {
  const interpreter = findPython(version);
  const why = interpreter === null ? ` (skipped, because there is no Python ${version} here)` : "";
  return { name: `Python ${version}${why}`, interpreter };
}
