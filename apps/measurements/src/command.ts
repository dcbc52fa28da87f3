import { Command } from "commander";
import { checkCommand, generateCommand } from "./cli/load-commands.ts";
import { queryCommand } from "./cli/query-command.ts";
import { reportCommand } from "./cli/report-command.ts";
import { pipelineCommand, preprocessCommand, stageCommand } from "./cli/work-commands.ts";

/** `cofferdam measurements`: called by the command line of the `cofferdam` package. */
export function createCommand(): Command {
  const command = new Command("measurements")
    .summary("instrument files to Parquet to segments")
    .description(
      "Instrument files (CSV with a header) to Parquet, and the sweeps among them to segments, in\n" +
        "contained workers. What has not changed since the last run is skipped.",
    );
  for (const one of [
    stageCommand(),
    preprocessCommand(),
    pipelineCommand(),
    generateCommand(),
    checkCommand(),
    reportCommand(),
    queryCommand(),
  ])
    command.addCommand(one);
  return command;
}
