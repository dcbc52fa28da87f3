import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Command, Option } from "commander";
import { CofferdamError, errorCode, errorMessage } from "../errors/index.ts";
import { createRenderer, escapeForTerminal, formatCounts } from "../events/index.ts";
import type { RendererMode } from "../events/index.ts";
import type { RunPipelineOptions, RunPipelineResult } from "../pipeline/index.ts";
import { formatDuration } from "../units/index.ts";
import { describePlan, describeReasons } from "./describe-plan.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { listenBesideProgress } from "./interrupts.ts";
import { optionParser, parseCount } from "./options.ts";
import { runStagesAsProcesses } from "./stages-as-processes.ts";
import { summarizeProcesses } from "./summarize.ts";

export interface RunFlags {
  readonly dryRun?: true;
  readonly why?: string;
  readonly force?: true;
  readonly retryFailed?: true;
  readonly keepGoing?: true;
  readonly stop?: true;
  readonly maxFailed?: string | number;
  readonly workers?: number;
  readonly only?: true;
  readonly stagesAsProcesses?: true;
  readonly joblog?: string;
  readonly progress: RendererMode;
  readonly report?: string;
  readonly allowPartial?: true;
}

export function runCommand(): Command {
  return new Command("run")
    .summary("run a pipeline: what has changed, and what depends on it")
    .description(
      "Runs the stages of a pipeline over their items, and skips what is up to date.\n" +
        "FILE is a YAML or TypeScript file (default: cofferdam.yaml); STAGE… picks stages and\n" +
        "what they read.\n\n" +
        "Exit codes: 0 all good, 1 usage, 2 the run failed, 3 some items failed,\n" +
        "130 interrupted (143 by TERM, 129 by HUP).",
    )
    .argument("[file-and-stages...]", "FILE STAGE…")
    .option("-n, --dry-run", "only say what would run, and why")
    .option("--why <item>", "only say what would become of an item, and why")
    .option("-f, --force", "run what is unchanged too, and write over files of others")
    .option("--retry-failed", "run what is in quarantine too")
    .addOption(new Option("--keep-going", "never stop for an item's failure").conflicts("stop"))
    .option("--stop", "start nothing more after the first failure")
    .option("--max-failed <n>", "stop when more items of a stage failed: 20, or 2%", parseShare)
    .option("-w, --workers <n>", "items at once (default: CPUs)", optionParser(parseCount))
    .option("--only", "just these stages, not what they read")
    .option("--stages-as-processes", "run each stage as a process of its own, one after another")
    .option("--joblog <file>", "write a line for each item, as GNU parallel does")
    .addOption(
      new Option("--progress <how>", "what to show on standard error")
        .choices(["auto", "tty", "plain", "json", "none"])
        .default("auto"),
    )
    .option("--report <file>", "write a report as JSON")
    .option("--allow-partial", "exit with 0 although some items failed")
    .action(async (words: string[], flags: RunFlags) => {
      process.exitCode = await run(words, flags);
    });
}

async function run(words: readonly string[], flags: RunFlags): Promise<number> {
  const { file, stages } = splitWords(words);
  if (flags.stagesAsProcesses) return await runStagesAsProcesses(file, stages, flags);
  const { loadPipeline, runPipeline, openJoblog, joblogEntry } =
    await import("../pipeline/index.ts");
  const loaded = await loadPipeline(file);
  if (flags.report !== undefined) checkReport(flags.report);
  const looksOnly = flags.dryRun ?? flags.why !== undefined;
  const renderer = createRenderer({ mode: looksOnly ? "none" : flags.progress });
  using interrupts = listenBesideProgress(renderer, "what runs", say);
  const answers: string[] = [];
  using joblog =
    flags.joblog === undefined ? null : await openJoblog(flags.joblog, { anew: false });
  let number = 0;
  let result: RunPipelineResult;
  try {
    result = await runPipeline(loaded, {
      stages,
      ...optionsOf(flags),
      dryRun: looksOnly,
      onEvent: renderer.listener,
      signal: interrupts.signal,
      onPlan: (plan) => {
        if (flags.why !== undefined || flags.progress === "json" || flags.progress === "none")
          return;
        renderer.clear();
        (looksOnly ? process.stdout : process.stderr).write(describePlan(plan));
      },
      ...(flags.why === undefined ? {} : { onVerdict: answerWhy(flags.why, answers) }),
      ...(joblog ? { onItemEnd: (end) => joblog.append(joblogEntry(end, ++number)) } : {}),
    });
  } catch (error) {
    // Before anything was run.
    if (interrupts.exitCode === null || errorCode(error) !== "CANCELLED") throw error;
    say(errorMessage(error));
    return interrupts.exitCode;
  } finally {
    renderer.close();
  }
  if (flags.report !== undefined) writeReport(flags.report, result);
  if (flags.why !== undefined) return tellWhy(flags.why, answers);
  if (looksOnly) return exitCodes.ok;
  if (flags.progress !== "json" && flags.progress !== "none") tell(result);
  if (interrupts.exitCode !== null) return interrupts.exitCode;
  if (result.stopped !== null) return exitCodes.nothingDone;
  return exitCodeOfRun(result, flags.allowPartial ?? false);
}

/** Of a run that was not stopped. What is left undone is told, also where nothing has failed. */
function exitCodeOfRun({ counts, withheld }: RunPipelineResult, allowPartial: boolean): number {
  const { done, skipped, failed, quarantined, pending } = counts;
  const isCut = pending > 0 || withheld.length > 0;
  if (!isCut || failed + quarantined > 0) return exitCodeOf(counts, allowPartial);
  if (done + skipped === 0) return exitCodes.nothingDone;
  return allowPartial ? exitCodes.ok : exitCodes.someFailed;
}

export function optionsOf(flags: RunFlags): RunPipelineOptions {
  return {
    workers: flags.workers ?? availableParallelism(),
    force: flags.force ?? false,
    retryFailed: flags.retryFailed ?? false,
    only: flags.only ?? false,
    ...(flags.keepGoing ? { onFail: "go on" } : {}),
    ...(flags.stop ? { onFail: "stop" } : {}),
    ...(flags.maxFailed === undefined ? {} : { maxFailed: flags.maxFailed }),
  };
}

/** A file is known by its ending; what is none is a stage. */
function splitWords(words: readonly string[]): { file: string | undefined; stages: string[] } {
  const [first, ...rest] = words;
  const isFile = first !== undefined && /[./]/.test(first);
  return isFile ? { file: first, stages: rest } : { file: undefined, stages: [...words] };
}

function parseShare(text: string): string | number {
  if (/^\d+$/.test(text)) return Number(text);
  if (/^\d+(\.\d+)?%$/.test(text)) return text;
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `--max-failed takes a number or a share such as 2%, not ${JSON.stringify(text)}`,
  );
}

function answerWhy(name: string, answers: string[]): NonNullable<RunPipelineOptions["onVerdict"]> {
  return (stage, key, output, verdict) => {
    if (key !== name && output !== name && `${stage}:${key}` !== name) return;
    const what = { run: "will run", skip: "is skipped", leave: "is left", refuse: "is refused" };
    const why = verdict.action === "refuse" ? verdict.message : verdict.reason;
    answers.push(`${stage}: ${key} ${what[verdict.action]}: ${why}`);
  };
}

function tellWhy(name: string, answers: readonly string[]): number {
  for (const answer of answers) process.stdout.write(`${escapeForTerminal(answer)}\n`);
  if (answers.length > 0) return exitCodes.ok;
  say(
    `no stage has an item ${name} now; items of later stages are known when those before are done`,
  );
  return exitCodes.usage;
}

function tell(result: RunPipelineResult): void {
  const { counts, stages, durationMs, scope, stopped } = result;
  if (stages.length > 1)
    for (const [index, stage] of stages.entries()) {
      process.stderr.write(`${stage.stage}: ${formatCounts(stage)}\n`);
      const told = result.plan[index]?.reasons ?? new Map<string, number>();
      for (const line of describeReasons(withoutTold(stage.reasons, told)))
        process.stderr.write(line);
    }
  process.stderr.write(`${formatCounts(counts)} · ${formatDuration(durationMs)}\n`);
  process.stderr.write(`${summarizeProcesses(scope)}\n`);
  if (stopped !== null) say(`stopped: ${stopped}`);
  const kept = result.failures.find(({ folder }) => folder !== null);
  if (kept)
    say(
      `to look into a failure: cofferdam log ${kept.item}; to run it again by hand: cofferdam replay ${kept.item}`,
    );
}

/** What was not yet known when the plan was told. */
function withoutTold(
  reasons: Readonly<Record<string, number>>,
  told: ReadonlyMap<string, number>,
): Map<string, number> {
  const later = Object.entries(reasons).map(
    ([reason, count]) => [reason, count - (told.get(reason) ?? 0)] as const,
  );
  return new Map(later.filter(([, count]) => count > 0));
}

function checkReport(file: string): void {
  try {
    writeFileSync(file, "", { flag: "a" });
  } catch (error) {
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the report cannot be written to ${file}: ${errorMessage(error)}`,
    );
  }
}

function writeReport(file: string, result: RunPipelineResult): void {
  const plan = result.plan.map((stage) => ({
    ...stage,
    reasons: Object.fromEntries(stage.reasons),
  }));
  const report = { schema: 1, command: "run", ...result, plan };
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}

function say(message: string): void {
  process.stderr.write(`cofferdam run: ${escapeForTerminal(message)}\n`);
}
