import { Command, Option } from "commander";
import { loadProcedures } from "../procedures/load-procedures.ts";
import { pipelineModes, runPipeline, type PipelineMode } from "../pipeline/pipeline.ts";
import { preprocess, type PreprocessOptions } from "../segments/preprocess.ts";
import { stage, type StageOptions } from "../stage/stage.ts";
import { summarizePipeline, summarizeStage } from "../summary/summary.ts";
import {
  addOutputRoot,
  addRawRoot,
  addRunOptions,
  addSegmentOptions,
  addStageOptions,
  addStageRoot,
  settingsGiven,
  type Flags,
} from "./options.ts";
import { runAndSummarize, type Watch } from "./run.ts";
import { resolveSettings, type Settings } from "./settings.ts";

const exitCodeHelp =
  "\n\nExit codes: 0 all done or unchanged, 1 usage, 2 nothing done, 3 some rejected,\n" +
  "130 interrupted (143 by TERM, 129 by HUP).";

export function stageCommand(): Command {
  const command = new Command("stage")
    .summary("instrument files to Parquet")
    .description(
      "Stage 1: reads the instrument's *.csv, types and names their values by procedures.yml, and\n" +
        `writes one Parquet file each, by procedure, date and run.${exitCodeHelp}`,
    );
  addRunOptions(addStageOptions(addStageRoot(addRawRoot(command))));
  return command.action(async (flags: Flags) => {
    const settings = resolveSettings(settingsGiven(flags), flags.config);
    process.exitCode = await runAndSummarize(flags, async (watch) =>
      summarizeStage(await stage(await stageOptions(settings, watch))),
    );
  });
}

export function preprocessCommand(): Command {
  const command = new Command("preprocess")
    .summary("staged runs to segments of their sweeps")
    .description(
      "Stage 2: cuts the sweeps of staged runs where they turn or cross zero, and writes one\n" +
        `Parquet file a segment.${exitCodeHelp}`,
    );
  addRunOptions(addSegmentOptions(addOutputRoot(addStageRoot(command))));
  return command.action(async (flags: Flags) => {
    const settings = resolveSettings(settingsGiven(flags), flags.config);
    process.exitCode = await runAndSummarize(flags, async (watch) =>
      summarizeStage(await preprocess(preprocessOptions(settings, watch))),
    );
  });
}

export function pipelineCommand(): Command {
  const command = new Command("pipeline")
    .summary("both stages, one after the other")
    .description(
      "Runs stage 1, waits until the kernel has confirmed that its processes are gone, and runs\n" +
        `stage 2.${exitCodeHelp}`,
    );
  addStageRoot(addRawRoot(command));
  addSegmentOptions(addStageOptions(addOutputRoot(command)));
  addRunOptions(command).addOption(
    new Option("--mode <how>", "both stages in this process, or each in a process of its own")
      .choices(pipelineModes)
      .default("one"),
  );
  return command.action(async (flags: Flags & { readonly mode: PipelineMode }) => {
    const settings = resolveSettings(settingsGiven(flags), flags.config);
    process.exitCode = await runAndSummarize(flags, async (watch) =>
      summarizePipeline(
        await runPipeline({
          mode: flags.mode,
          stage: await stageOptions(settings, watch),
          preprocess: preprocessOptions(settings, watch),
        }),
      ),
    );
  });
}

async function stageOptions(settings: Settings, watch: Watch): Promise<StageOptions> {
  return {
    rawRoot: settings.raw_root,
    stageRoot: settings.stage_root,
    procedures: await loadProcedures(settings.procedures_yaml),
    localTz: settings.local_tz,
    onlyYamlData: settings.only_yaml_data,
    workers: settings.workers,
    force: settings.force,
    ...watch,
  };
}

function preprocessOptions(settings: Settings, watch: Watch): PreprocessOptions {
  return {
    stageRoot: settings.stage_root,
    outputRoot: settings.output_root,
    procedure: settings.procedure,
    voltageCol: settings.voltage_col,
    dvThreshold: settings.dv_threshold,
    minSegmentPoints: settings.min_segment_points,
    workers: settings.workers,
    force: settings.force,
    ...watch,
  };
}
