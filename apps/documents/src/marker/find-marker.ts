import { access, constants, open } from "node:fs/promises";
import { delimiter, dirname, join, resolve } from "node:path";
import { CofferdamError, TaskError, type Scope } from "cofferdam";
import { markerEnvironment } from "./environment.ts";

/** An installed Marker. */
export interface Marker {
  /** Converts one file. */
  readonly single: string;
  /** Converts the files of a folder. */
  readonly many: string;
  /** The Python that runs them; null where the programs do not say. */
  readonly python: string | null;
  /** `1.10.2`; only `1.x` where nothing but its options tells. */
  readonly version: string;
  readonly major: 1 | 2;
}

const install =
  'Install it, for example with: python3 -m venv marker && marker/bin/pip install "marker-pdf>=1.6,<3" psutil, and name its folder with --marker marker/bin (or put it on PATH)';

/** From here on it has the options that we pass. */
const oldest = [1, 6] as const;

/**
 * Finds Marker in the folder, or on PATH, and asks it which it is. Rejects with `TOOL_UNAVAILABLE`
 * and how to install it.
 *
 * It is known by `marker_single`: other programs are called `marker`, too.
 */
export async function findMarker(scope: Scope, folder?: string): Promise<Marker> {
  const single = await findProgram("marker_single", folder);
  if (single === null)
    throw new CofferdamError(
      "TOOL_UNAVAILABLE",
      `Marker was not found: there is no marker_single ${folder === undefined ? "on PATH" : `in ${folder}`}. ${install}`,
    );
  const python = await interpreterOf(single);
  const version =
    (python === null ? null : await askPackage(scope, python)) ?? (await askHelp(scope, single));
  return { single, many: join(dirname(single), "marker"), python, version, ...known(version) };
}

async function findProgram(name: string, folder: string | undefined): Promise<string | null> {
  const folders = folder === undefined ? (process.env["PATH"] ?? "").split(delimiter) : [folder];
  for (const candidate of folders.filter((path) => path !== "")) {
    const path = resolve(candidate, name);
    if (await isExecutable(path)) return path;
  }
  return null;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The interpreter in a script's first lines: `#!/…/python`, or for long paths, as pip writes it,
 * `#!/bin/sh` and `'''exec' "/…/python" "$0" "$@"`.
 */
async function interpreterOf(script: string): Promise<string | null> {
  await using file = await open(script);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
  const head = buffer.toString("utf8", 0, bytesRead);
  const path =
    /^#!\s*(\/\S*python[\d.]*)\s*$/m.exec(head)?.[1] ??
    /^'''exec' "?(\/[^"\n]*?python[\d.]*)"? /m.exec(head)?.[1];
  return path !== undefined && (await isExecutable(path)) ? path : null;
}

/** Asks the interpreter for the installed package's version, which takes no loading of models. */
async function askPackage(scope: Scope, python: string): Promise<string | null> {
  const program = "import importlib.metadata as m; print(m.version('marker-pdf'))";
  const result = await scope.exec([python, "-c", program], {
    ...markerEnvironment("auto"),
    timeout: "2m",
    reject: false,
  });
  const version = result.stdout.trim();
  return result.exitCode === 0 && /^\d+(\.\w+)+$/.test(version) ? version : null;
}

/** Tells the generations apart by an option that only the newer one has. */
async function askHelp(scope: Scope, single: string): Promise<string> {
  const { stdout } = await ask(scope, single);
  if (/--mode\b/.test(stdout) && /--output_dir\b/.test(stdout)) return "2.x";
  if (/--disable_image_extraction\b/.test(stdout) && /--output_dir\b/.test(stdout)) return "1.x";
  throw new CofferdamError(
    "TOOL_UNAVAILABLE",
    `${single} is not a Marker that is known here: it neither says its version nor has the options of Marker 1 or 2. ${install}`,
  );
}

async function ask(scope: Scope, single: string): Promise<{ stdout: string }> {
  try {
    return await scope.exec([single, "--help"], { ...markerEnvironment("auto"), timeout: "5m" });
  } catch (error) {
    if (!(error instanceof TaskError) || error.code === "CANCELLED") throw error;
    throw new CofferdamError(
      "TOOL_UNAVAILABLE",
      `${single} cannot be used: asked for its options, it failed: ${error.message}. ${install}`,
      { cause: error },
    );
  }
}

function known(version: string): { major: 1 | 2 } {
  const [major, minor] = version.split(".").map(Number);
  if (major === 2 || (major === oldest[0] && !((minor ?? 0) < oldest[1]))) return { major };
  const why =
    (major ?? 0) > 2
      ? "is newer than this program knows"
      : `is too old: ${oldest.join(".")} is the oldest that has the options needed`;
  throw new CofferdamError("TOOL_UNAVAILABLE", `Marker ${version} ${why}. ${install}`);
}
