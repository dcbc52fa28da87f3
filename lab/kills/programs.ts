import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPython } from "../survivors/python.ts";

/** The tasks' programs. */
export interface Programs {
  /** Compiled. */
  readonly holder: string;
  /** The command line of the Python tool; empty where there is no Python. */
  readonly locks: readonly string[];
}

const here = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

/** Compiles into a folder. Throws with what the compiler said. */
export function buildPrograms(into: string): Programs {
  const holder = join(into, "holder");
  const flags = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"];
  const args = [...flags, "-o", holder, here("holder.c"), "-lrt"];
  const { status, stderr, error } = spawnSync("cc", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`cc: ${error?.message ?? stderr}`);
  const python = findPython();
  return { holder, locks: python === null ? [] : [python, here("locks.py")] };
}

/** Why not, and what to install; `null` when they can be built. */
export function programsMissing(): string | null {
  return spawnSync("cc", ["--version"]).status === 0
    ? null
    : "there is no C compiler; install gcc, or what else provides cc";
}
