import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { availableParallelism } from "node:os";
import { CofferdamError, errorCode, errorMessage } from "cofferdam";
import { LocalZone } from "../format/start-time.ts";

/** Everything that the commands can be told, under the names that a `--config` file uses. */
export interface Settings {
  readonly raw_root: string;
  readonly stage_root: string;
  readonly output_root: string;
  readonly procedures_yaml: string;
  readonly procedure: string;
  readonly voltage_col: string;
  /** Volts. */
  readonly dv_threshold: number;
  readonly min_segment_points: number;
  readonly workers: number;
  readonly force: boolean;
  readonly only_yaml_data: boolean;
  readonly local_tz: string;
}

const usualProcedures = "config/procedures.yml";
const ownProcedures = fileURLToPath(new URL("../../procedures.yml", import.meta.url));
const workersMost = 32;

export const defaults: Settings = {
  raw_root: "data/01_raw",
  stage_root: "data/02_stage/raw_measurements",
  output_root: "data/03_intermediate",
  procedures_yaml: usualProcedures,
  procedure: "IV",
  voltage_col: "Vsd (V)",
  dv_threshold: 0.001,
  min_segment_points: 5,
  workers: Math.min(8, availableParallelism()),
  force: false,
  only_yaml_data: false,
  local_tz: "America/Santiago",
};

/** Sections in which a file for the whole pipeline keeps its settings. */
const sections = ["staging", "preprocessing", "intermediate"];
/** Settings of the programs that these files were first written for; without effect here. */
const ignored = ["polars_threads", "run_staging", "run_analysis", "run_plotting"];
const ignoredSections = ["analysis", "plotting"];

/** The command line's settings, then the file's, then the defaults. */
export function resolveSettings(given: Partial<Settings>, configFile?: string): Settings {
  const fromFile = configFile === undefined ? {} : readConfig(configFile);
  const settings = { ...defaults, ...fromFile, ...given };
  check(settings);
  const isTold = given.procedures_yaml ?? fromFile.procedures_yaml;
  if (isTold === undefined && !existsSync(usualProcedures))
    return { ...settings, procedures_yaml: ownProcedures };
  return settings;
}

function readConfig(path: string): Partial<Settings> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const why =
      errorCode(error) === "ENOENT"
        ? "there is no such file"
        : error instanceof SyntaxError
          ? `it is not JSON: ${error.message}`
          : errorMessage(error);
    throw refusal(`the configuration ${path}: ${why}`);
  }
  const settings: Record<string, unknown> = {};
  collect(path, content, settings);
  return settings;
}

function collect(path: string, content: unknown, into: Record<string, unknown>): void {
  if (content === null || typeof content !== "object" || Array.isArray(content))
    throw refusal(`the configuration ${path}: it is not an object of settings`);
  for (const [name, value] of Object.entries(content)) {
    if (sections.includes(name)) collect(path, value, into);
    else if (ignored.includes(name) || ignoredSections.includes(name)) continue;
    else if (!(name in defaults))
      throw refusal(
        `the configuration ${path}: there is no setting "${name}"; there are ${Object.keys(defaults).join(", ")}`,
      );
    else {
      const wanted = typeof defaults[name as keyof Settings];
      if (typeof value !== wanted)
        throw refusal(
          `the configuration ${path}: ${name} is a ${wanted}, not ${JSON.stringify(value)}`,
        );
      into[name] = value;
    }
  }
}

function check(settings: Settings): void {
  const { workers, dv_threshold, min_segment_points, local_tz } = settings;
  if (!Number.isInteger(workers) || workers < 1 || workers > workersMost)
    throw refusal(`workers: a whole number from 1 to ${workersMost}, not ${workers}`);
  if (!(dv_threshold >= 0) || dv_threshold === Infinity)
    throw refusal(`dv-threshold: a number of volts from 0, not ${dv_threshold}`);
  if (!Number.isInteger(min_segment_points) || min_segment_points < 1)
    throw refusal(`min-segment-points: a whole number above 0, not ${min_segment_points}`);
  try {
    new LocalZone(local_tz);
  } catch {
    throw refusal(
      `local-tz: there is no time zone ${JSON.stringify(local_tz)}; give a name of the IANA list, as America/Santiago or UTC`,
    );
  }
}

function refusal(message: string): CofferdamError {
  return new CofferdamError("INVALID_ARGUMENT", message);
}
