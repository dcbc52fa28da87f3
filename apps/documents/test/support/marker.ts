/** Installs the stand-in for Marker, as pip would install the real one. */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";

const standIn = fileURLToPath(new URL("../stand-in/marker_stand_in.py", import.meta.url));

export interface StandInOptions {
  /** Default 1.10.2. */
  readonly version?: string;
  readonly loadSeconds?: number;
  readonly convertSeconds?: number;
  /** Its models can neither be found nor fetched. */
  readonly noModels?: boolean;
}

/** An installation in a virtual environment of its own. */
export interface InstalledMarker {
  /** The folder of its programs. */
  readonly bin: string;
  /** The processes that have loaded models, in order. */
  loads(): { pid: number; parentPid: number; program: string }[];
}

/** Whether there is a Python to run it. */
export function hasPython(): boolean {
  try {
    execFileSync("python3", ["-c", "import venv"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export function installMarker(folder: string, options: StandInOptions = {}): InstalledMarker {
  const { version = "1.10.2", ...settings } = options;
  execFileSync("python3", ["-m", "venv", "--without-pip", folder]);
  const bin = join(folder, "bin");
  const [python = ""] = readdirSync(join(folder, "lib"));
  const packages = join(folder, "lib", python, "site-packages");
  copyFileSync(standIn, join(packages, "marker_stand_in.py"));
  const info = join(packages, `marker_pdf-${version}.dist-info`);
  mkdirSync(info, { recursive: true });
  writeFileSync(
    join(info, "METADATA"),
    `Metadata-Version: 2.1\nName: marker-pdf\nVersion: ${version}\n`,
  );
  for (const [program, call] of [
    ["marker", "many"],
    ["marker_single", "single"],
  ] as const)
    writeFileSync(
      join(bin, program),
      `#!${join(bin, "python3")}\nimport sys\nfrom marker_stand_in import ${call}\nif __name__ == "__main__":\n    sys.exit(${call}())\n`,
      { mode: 0o755 },
    );
  writeFileSync(join(folder, "stand-in.json"), JSON.stringify(settings));
  return { bin, loads: () => readLoads(join(folder, "loads.log")) };
}

function readLoads(file: string): { pid: number; parentPid: number; program: string }[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [pid = "", parentPid = "", program = ""] = line.split(" ");
      return { pid: Number(pid), parentPid: Number(parentPid), program };
    });
}

/** One installation for all tests of a `describe`. */
export function useMarker(options: StandInOptions = {}): InstalledMarker {
  let folder = "";
  let installed: InstalledMarker | undefined;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "m-"));
    installed = installMarker(folder, options);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    get bin() {
      return installed?.bin ?? "";
    },
    loads: () => installed?.loads() ?? [],
  };
}
