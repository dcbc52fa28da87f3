import { availableParallelism } from "node:os";
import { Command, Option } from "commander";
import { CofferdamError } from "../errors/index.ts";
import { createRenderer, escapeForTerminal, formatCounts } from "../events/index.ts";
import type { RendererMode } from "../events/index.ts";
import { openScope } from "../open-scope.ts";
import type { InputSource, JobOutput, MapCommandResult } from "../pipeline/index.ts";
import type { ScopeReport } from "../scope/index.ts";
import { formatDuration } from "../units/index.ts";
import {
  addContainmentOptions,
  execOptionsOf,
  requireContainment,
  type ContainmentFlags,
} from "./containment-options.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { listenBesideProgress } from "./interrupts.ts";
import { optionParser, parseCount, parseCountOrNone } from "./options.ts";
import { writeError, writeOutput } from "./standard-output.ts";
import { summarizeProcesses } from "./summarize.ts";

interface MapFlags extends ContainmentFlags {
  readonly workers?: number;
  readonly retries?: number;
  readonly joblog?: string;
  readonly resume?: true;
  readonly keepOrder?: true;
  readonly ungroup?: true;
  readonly inputs?: string;
  readonly null?: true;
  readonly progress: RendererMode;
}

export function mapCommand(): Command {
  const command = new Command("map")
    .summary("run a command for each input, contained")
    .description(
      "Runs a command for each input, so many at once, each in its own containment.\n" +
        "Inputs follow `:::`, or come line by line from --inputs or standard input.\n\n" +
        "  {}    the input                 {.}   without its extension\n" +
        "  {/}   its last part             {/.}  that without its extension\n" +
        "  {//}  its folder                {#}   its number, from 1\n\n" +
        "Without any of these the input becomes the command's last word.\n\n" +
        "Exit codes: 0 all done, 1 usage, 2 nothing done, 3 some failed,\n" +
        "130 interrupted (143 by TERM, 129 by HUP).",
    )
    .usage("[options] -- COMMAND [WORD...] [::: INPUT...]")
    .argument("<words...>", "the command, no shell; after `:::` the inputs")
    .option("-w, --workers <n>", "jobs at once (default: CPUs)", optionParser(parseCount))
    .option(
      "--retries <n>",
      "tries again after a failure (default: 0)",
      optionParser(parseCountOrNone),
    )
    .option("--joblog <file>", "write a line for each job, as GNU parallel does")
    .option("--resume", "leave out what the joblog says was done")
    .option("-k, --keep-order", "output in the order of the inputs")
    .option("-u, --ungroup", "let jobs write as they go; their lines may mix")
    .option("-i, --inputs <file>", "read the inputs from a file; - for standard input")
    .option("-0, --null", "inputs end with a NUL, not with a newline")
    .addOption(
      new Option("--progress <how>", "what to show on standard error")
        .choices(["auto", "tty", "plain", "json", "none"])
        .default("auto"),
    );
  return addContainmentOptions(command, ["task", "scope", "host"])
    .passThroughOptions()
    .action(async (words: string[], flags: MapFlags) => {
      process.exitCode = await run(words, flags);
    });
}

async function run(words: readonly string[], flags: MapFlags): Promise<number> {
  const { command, inputs } = splitWords(words, flags);
  if (flags.keepOrder && flags.ungroup)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      "--keep-order needs each job's output together, and --ungroup does not keep it",
    );
  const { runMap } = await import("../pipeline/index.ts");
  const renderer = createRenderer({ mode: flags.progress });
  using interrupts = listenBesideProgress(renderer, "the jobs", say);
  const onOutput = ({ stdout, stderr }: JobOutput): Promise<void> | void => {
    if (stdout === "" && stderr === "") return;
    renderer.clear();
    const written = stdout === "" ? undefined : writeOutput(Buffer.from(stdout, "latin1"));
    if (stderr === "") return written;
    return both(written, writeError(Buffer.from(stderr, "latin1")));
  };
  let result: MapCommandResult;
  let report: ScopeReport;
  const scope = await openScope();
  try {
    requireContainment(scope, flags.containment ?? []);
    result = await runMap(scope, {
      command,
      inputs,
      workers: flags.workers ?? availableParallelism(),
      exec: execOptionsOf(flags),
      retries: flags.retries ?? 0,
      resume: flags.resume ?? false,
      keepOrder: flags.keepOrder ?? false,
      ...(flags.null ? { separator: 0 } : {}),
      ...(flags.joblog === undefined ? {} : { joblog: flags.joblog }),
      ...(flags.ungroup ? {} : { onOutput }),
      onEvent: renderer.listener,
      signal: interrupts.signal,
    });
  } finally {
    renderer.close();
    report = await scope.close();
  }
  if (flags.progress !== "none" && flags.progress !== "json") {
    const { counts, durationMs } = result;
    process.stderr.write(`${formatCounts(counts)} · ${formatDuration(durationMs)}\n`);
    process.stderr.write(`${summarizeProcesses(report)}\n`);
  }
  return interrupts.exitCode ?? exitCodeOf(result.counts, false);
}

async function both(one: Promise<void> | void, other: Promise<void>): Promise<void> {
  await Promise.all([one, other]);
}

/** The command before `:::`, and where the inputs come from. */
function splitWords(
  words: readonly string[],
  flags: MapFlags,
): { command: readonly string[]; inputs: InputSource } {
  const at = words.indexOf(":::");
  const command = at < 0 ? words : words.slice(0, at);
  if (command.length === 0)
    throw new CofferdamError("INVALID_ARGUMENT", "there is no command before `:::`");
  if (at >= 0 && flags.inputs !== undefined)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      "inputs are given twice: after `:::` and with --inputs; give them once",
    );
  if (at >= 0) return { command, inputs: { kind: "words", words: words.slice(at + 1) } };
  const { inputs = "-" } = flags;
  return { command, inputs: inputs === "-" ? { kind: "stdin" } : { kind: "file", path: inputs } };
}

function say(message: string): void {
  process.stderr.write(`cofferdam map: ${escapeForTerminal(message)}\n`);
}
