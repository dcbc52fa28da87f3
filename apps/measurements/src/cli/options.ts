import { optionParser, parseCount, type RendererMode } from "cofferdam";
import { Option, type Command } from "commander";
import { defaults, type Settings } from "./settings.ts";

/** The options as commander gives them. What was not given is not there. */
export interface Flags {
  readonly rawRoot?: string;
  readonly stageRoot?: string;
  readonly outputRoot?: string;
  readonly proceduresYaml?: string;
  readonly procedure?: string;
  readonly voltageCol?: string;
  readonly dvThreshold?: number;
  readonly minSegmentPoints?: number;
  readonly workers?: number;
  readonly force?: true;
  readonly onlyYamlData?: true;
  readonly localTz?: string;
  readonly config?: string;
  readonly progress: RendererMode;
  readonly summary?: readonly string[];
}

export function addRawRoot(command: Command): Command {
  return command.option(
    "--raw-root <dir>",
    `folder with the instrument's files (default: ${defaults.raw_root})`,
  );
}

export function addStageRoot(command: Command): Command {
  return command.option(
    "--stage-root <dir>",
    `folder of the staged Parquet files (default: ${defaults.stage_root})`,
  );
}

export function addOutputRoot(command: Command): Command {
  return command
    .option(
      "--output-root <dir>",
      `folder below which the segments go (default: ${defaults.output_root})`,
    )
    .option(
      "-p, --procedure <name>",
      `procedure whose runs are segmented (default: ${defaults.procedure})`,
    );
}

export function addStageOptions(command: Command): Command {
  return command
    .option(
      "--procedures-yaml <file>",
      `procedures and their types (default: ${defaults.procedures_yaml}, else the one that comes along)`,
    )
    .option("--only-yaml-data", "leave out columns that the procedure does not declare")
    .option(
      "--local-tz <zone>",
      `time zone of the dates of partitions (default: ${defaults.local_tz})`,
    );
}

export function addSegmentOptions(command: Command): Command {
  return command
    .option("--voltage-col <name>", `column of the voltage (default: "${defaults.voltage_col}")`)
    .option(
      "--dv-threshold <volts>",
      `a smaller step is noise (default: ${defaults.dv_threshold})`,
      optionParser(parseVolts),
    )
    .option(
      "--min-segment-points <n>",
      `a segment of fewer points is dropped (default: ${defaults.min_segment_points})`,
      optionParser(parseCount),
    );
}

export function addRunOptions(command: Command): Command {
  return command
    .option(
      "-w, --workers <n>",
      "worker processes, 1 to 32 (default: number of CPUs, at most 8)",
      optionParser(parseCount),
    )
    .option("-f, --force", "work on what has not changed, too")
    .option("-c, --config <file>", "settings as JSON; options given here come first")
    .option(
      "--summary <file>",
      "write the summary to a .json, .parquet or .txt file; may be given again",
      (file: string, files: readonly string[] | undefined) => [...(files ?? []), file],
    )
    .addOption(
      new Option("--progress <how>", "what to show on standard error")
        .choices(["auto", "tty", "plain", "json", "none"])
        .default("auto"),
    );
}

export function settingsGiven(flags: Flags): Partial<Settings> {
  const given: { -readonly [Name in keyof Settings]: Settings[Name] | undefined } = {
    raw_root: flags.rawRoot,
    stage_root: flags.stageRoot,
    output_root: flags.outputRoot,
    procedures_yaml: flags.proceduresYaml,
    procedure: flags.procedure,
    voltage_col: flags.voltageCol,
    dv_threshold: flags.dvThreshold,
    min_segment_points: flags.minSegmentPoints,
    workers: flags.workers,
    force: flags.force,
    only_yaml_data: flags.onlyYamlData,
    local_tz: flags.localTz,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function parseVolts(text: string): number {
  const volts = Number(text);
  if (text.trim() === "" || !(volts >= 0) || volts === Infinity)
    throw new RangeError(`${JSON.stringify(text)} is not a number of volts from 0`);
  return volts;
}
