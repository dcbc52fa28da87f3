import { writeFileSync } from "node:fs";
import { CofferdamError, errorMessage, optionParser, parseCount } from "cofferdam";
import { Command } from "commander";
import { collectReport } from "../report/collect.ts";
import { reportPage } from "../report/page.ts";
import { addOutputRoot, addStageRoot, settingsGiven, type Flags } from "./options.ts";
import { say } from "./run.ts";
import { resolveSettings } from "./settings.ts";

interface ReportFlags extends Flags {
  readonly out: string;
  readonly samples: number;
}

export function reportCommand(): Command {
  const command = new Command("report")
    .summary("an HTML page of what was done")
    .description(
      "Writes one HTML page: files by procedure and date, rejected files by reason, and the segments\n" +
        "of some runs, drawn.",
    );
  return addOutputRoot(addStageRoot(command))
    .option("--voltage-col <name>", "column of the voltage")
    .option("-o, --out <file>", "where the page goes", "measurements.html")
    .option("--samples <n>", "how many runs are drawn", optionParser(parseCount), 6)
    .action(async (flags: ReportFlags) => {
      const settings = resolveSettings(settingsGiven(flags));
      const data = await collectReport({
        stageRoot: settings.stage_root,
        outputRoot: settings.output_root,
        procedure: settings.procedure,
        voltageCol: settings.voltage_col,
        samples: flags.samples,
      });
      try {
        writeFileSync(flags.out, reportPage(data));
      } catch (error) {
        throw new CofferdamError(
          "OUTPUT",
          `${flags.out} cannot be written: ${errorMessage(error)}`,
        );
      }
      say(`the report is in ${flags.out}`);
    });
}
