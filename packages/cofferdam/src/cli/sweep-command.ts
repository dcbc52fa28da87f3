import { Command } from "commander";
import type { FoundRun, Sweep } from "../doctor/index.ts";
import { escapeForTerminal } from "../events/index.ts";
import { exitCodes } from "./exit-codes.ts";

interface SweepFlags {
  readonly dryRun?: true;
  readonly json?: true;
}

export function sweepCommand(): Command {
  return new Command("sweep")
    .summary("end and remove what dead runs left")
    .description(
      "Ends and removes what earlier runs of yours left when they were killed: processes, scratch\n" +
        "folders, ledgers. A run that still lives is never touched. Every start does the same.",
    )
    .option("--dry-run", "only look: end and remove nothing")
    .option("--json", "one JSON object instead of lines")
    .action(async (flags: SweepFlags) => {
      // Loaded when it is asked for: `exec` should not wait for it.
      const { sweepRuns } = await import("../doctor/index.ts");
      const sweep = await sweepRuns({ dryRun: flags.dryRun ?? false });
      if (flags.json) process.stdout.write(JSON.stringify({ schema: 1, ...sweep }, null, 2) + "\n");
      else tell(sweep);
      process.exitCode = isComplete(sweep) ? exitCodes.ok : exitCodes.someFailed;
    });
}

/** A dry run has removed nothing, and was not asked to. */
function isComplete({ dryRun, runs, problems }: Sweep): boolean {
  if (dryRun) return true;
  return problems.length === 0 && runs.every((run) => run.state === "live" || run.removed);
}

function tell(sweep: Sweep): void {
  const lines = sweep.runs.map((run) => `${run.run}  ${describe(run, sweep.dryRun)}`);
  lines.push(summarize(sweep));
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  for (const problem of sweep.problems)
    process.stderr.write(`cofferdam sweep: ${escapeForTerminal(problem)}\n`);
}

function describe({ state, processes, removed }: FoundRun, dryRun: boolean): string {
  switch (state) {
    case "live":
      return "live: left alone";
    case "unknown":
      return "not judged from here: left alone";
    case "stuck":
      return "stuck: something of it does not die or cannot be removed; the next sweep tries again";
    case "dead":
      if (dryRun) return `dead: ${count(processes, "process")} to end, folder to remove`;
      return `dead: ${count(processes, "process")} ended, ${removed ? "folder removed" : "folder left"}`;
  }
}

function summarize({ base, dryRun, runs }: Sweep): string {
  const where = escapeForTerminal(base);
  if (runs.length === 0) return `no runs in ${where}: nothing to sweep`;
  const dead = runs.filter(({ state }) => state === "dead");
  const ended = runs.reduce((sum, { processes }) => sum + processes, 0);
  const live = runs.filter(({ state }) => state === "live").length;
  const left = runs.length - live - dead.length;
  const parts = dryRun
    ? [`${count(dead.length, "dead run")} to remove`, `${count(ended, "process")} to end`]
    : [`${count(dead.length, "dead run")} removed`, `${count(ended, "process")} ended`];
  parts.push(`${live} live`);
  if (left > 0) parts.push(`${left} left as they are`);
  return `${parts.join(" · ")} (${where})`;
}

function count(number: number, noun: string): string {
  if (number === 1) return `1 ${noun}`;
  return noun.endsWith("s") ? `${number} ${noun}es` : `${number} ${noun}s`;
}
