import { exitCodes, formatCount, optionParser, parseCount } from "cofferdam";
import { Command } from "commander";
import { checkLoad } from "../generate/check-load.ts";
import { expectedName, type ExpectedLoad } from "../generate/expected.ts";
import { generateLoad } from "../generate/generate.ts";
import { addOutputRoot, addRawRoot, addStageRoot, settingsGiven, type Flags } from "./options.ts";
import { say } from "./run.ts";
import { resolveSettings } from "./settings.ts";

interface GenerateFlags extends Flags {
  readonly files: number;
  readonly runs: number;
  readonly seed: number;
  readonly faulty: number;
}

export function generateCommand(): Command {
  const command = new Command("generate")
    .summary("a load of instrument files, for trying out")
    .description(
      "Writes files as the instrument writes them, a share of them faulty, and expected.json, the\n" +
        "list of what must become of each. The same options give the same files.",
    );
  return addRawRoot(command)
    .option("--files <n>", "how many files", optionParser(parseCount), 31_806)
    .option("--runs <n>", "how many of them are IV runs", optionParser(parseWhole), 7_636)
    .option("--faulty <share>", "share of faulty files, from 0 to 1", optionParser(Number), 0.01)
    .option("--seed <n>", "another seed gives another load", optionParser(parseWhole), 42)
    .action((flags: GenerateFlags) => {
      const { raw_root: rawRoot } = resolveSettings(settingsGiven(flags));
      const { files, runs, faulty, seed } = flags;
      const load = generateLoad({ rawRoot, files, runs, faulty, seed });
      process.stdout.write(describeLoad(rawRoot, load));
    });
}

export function checkCommand(): Command {
  const command = new Command("check")
    .summary("whether each generated file became what it must")
    .description(
      "Compares what the stages made of a generated load with its expected.json, file by file.\n\n" +
        "Exit codes: 0 all as expected, 1 usage, 2 something is not.",
    );
  addOutputRoot(addStageRoot(addRawRoot(command)));
  return command.action(async (flags: Flags) => {
    const settings = resolveSettings(settingsGiven(flags));
    const { checked, differences } = await checkLoad({
      rawRoot: settings.raw_root,
      stageRoot: settings.stage_root,
      outputRoot: settings.output_root,
      procedure: settings.procedure,
    });
    for (const difference of differences.slice(0, 50)) say(difference);
    const { files, rejected, runs, segments } = checked;
    process.stdout.write(
      `${formatCount(files)} files, ${formatCount(rejected)} rejected, ${formatCount(runs)} runs, ` +
        `${formatCount(segments)} segments: ${formatCount(differences.length)} differences\n`,
    );
    process.exitCode = differences.length > 0 ? exitCodes.nothingDone : exitCodes.ok;
  });
}

function describeLoad(rawRoot: string, { totals, byFault }: ExpectedLoad): string {
  const faults = Object.entries(byFault).map(([fault, count]) => `${formatCount(count)} ${fault}`);
  return [
    `${formatCount(totals.files)} files → ${rawRoot}`,
    `to be staged: ${formatCount(totals.staged)} with ${formatCount(totals.rows)} rows; to be rejected: ${formatCount(totals.rejected)}`,
    `runs: ${formatCount(totals.runs)}, of which ${formatCount(totals.runsRefused)} without segments; segments: ${formatCount(totals.segments)}`,
    `faulty: ${faults.join(", ") || "none"}`,
    `what must become of each: ${rawRoot}/${expectedName}`,
    "",
  ].join("\n");
}

function parseWhole(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new RangeError(`${JSON.stringify(text)} is not a whole number from 0`);
  return Number(text);
}
