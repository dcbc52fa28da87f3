import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const cache = fileURLToPath(new URL("../../node_modules/.cache/cofferdam", import.meta.url));
const requirements = fileURLToPath(new URL("./baseline/requirements.txt", import.meta.url));

/** A Python with the packages of the baseline, or why there is none. */
export type BaselinePython =
  | { readonly python: string; readonly missing?: undefined }
  | { readonly python?: undefined; readonly missing: string };

/**
 * Makes a virtual environment with the baseline's packages, kept under `node_modules/.cache` for the
 * next time. Never rejects.
 */
export async function findBaselinePython(): Promise<BaselinePython> {
  const version = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  const folder = join(cache, `baseline-python-${version.slice(0, 8)}`);
  const python = join(folder, "bin", "python");
  try {
    if (!existsSync(join(folder, "ready"))) await makeEnvironment(folder, python);
    return { python };
  } catch (error) {
    const why = (error as Error).message.split("\n")[0] ?? "";
    return { missing: `Python with Polars cannot be had: ${why}` };
  }
}

async function makeEnvironment(folder: string, python: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  await run("python3", ["-m", "venv", folder]);
  await run(python, ["-m", "pip", "install", "--quiet", "--requirement", requirements]);
  mkdirSync(join(folder, "ready"));
}
