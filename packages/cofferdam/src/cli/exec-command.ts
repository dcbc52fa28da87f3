import { open, realpath, stat, unlink, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { CofferdamError, errorMessage } from "../errors/index.ts";
import { escapeForTerminal } from "../events/index.ts";
import { openScope } from "../open-scope.ts";
import {
  conventionalCodes,
  exitCodeOf,
  leakLine,
  unattributedLine,
  TaskError,
  type RunningCommand,
  type TaskResult,
} from "../scope/index.ts";
import {
  addContainmentOptions,
  execOptionsOf,
  requireContainment,
  type ContainmentFlags,
} from "./containment-options.ts";

interface ExecFlags extends ContainmentFlags {
  readonly report?: string;
}

export function execCommand(): Command {
  const command = new Command("exec")
    .summary("run one command in containment")
    .description(
      "Runs a command with its input, output, signals and exit code passed through.\n" +
        "When it ends, everything that it started is ended too.",
    )
    .usage("[options] -- COMMAND [ARGUMENT...]")
    .argument("<command...>", "the command and its arguments; no shell is involved");
  return addContainmentOptions(command)
    .option("--report <file>", "write a report as JSON")
    .passThroughOptions()
    .action(async (words: string[], flags: ExecFlags) => {
      process.exitCode = await run(words, flags);
    });
}

async function run(words: readonly string[], flags: ExecFlags): Promise<number> {
  let result: TaskResult;
  try {
    if (flags.report !== undefined) await refuseUnwritable(flags.report);
    result = await runContained(words, flags);
  } catch (error) {
    complain(errorMessage(error));
    return conventionalCodes.own;
  }
  if (flags.report !== undefined) {
    try {
      await writeFile(flags.report, JSON.stringify(asReport(result), null, 2) + "\n");
    } catch (error) {
      complain(
        `the report could not be written: ${errorMessage(error)}; the command's own end: ${describeEnd(result)}`,
      );
      return conventionalCodes.own;
    }
  }
  // An exit code speaks for itself, and who has pressed Ctrl-C knows.
  const isPlain =
    result instanceof TaskError && (result.code === "EXIT" || result.signal === "SIGINT");
  if (result instanceof TaskError && !isPlain) complain(result.message);
  // The message of LEAK names them itself.
  if (!(result instanceof TaskError && result.code === "LEAK"))
    for (const leak of result.leaks) complain(`left behind: ${leakLine(leak)}`);
  if (result.unattributed.length > 0) complain(unattributedLine(result.unattributed));
  return exitCodeOf(result);
}

function describeEnd({ outcome, exitCode, signal }: TaskResult): string {
  if (exitCode !== null) return `${outcome}, exit code ${exitCode}`;
  return signal === null ? outcome : `${outcome}, ${signal}`;
}

/** Before hours of work. What the path stands for is not changed. */
async function refuseUnwritable(path: string): Promise<void> {
  const status = await stat(path).catch(() => null);
  // A pipe's reader would take our look for the whole report.
  if (status && !status.isFile() && !status.isDirectory()) return;
  try {
    const file = await open(path, "a");
    await file.close();
    // Behind a link it is the target that we have made.
    if (!status) await unlink(await realpath(path));
  } catch (error) {
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the report cannot be written, so nothing was run: ${errorMessage(error)}`,
    );
  }
}

async function runContained(words: readonly string[], flags: ExecFlags): Promise<TaskResult> {
  using relay = new SignalRelay();
  const scope = await openScope();
  try {
    requireContainment(scope, flags.containment ?? []);
    if (scope.shortfall !== "")
      complain(`containment is ${scope.containment.tree} only, not verified: ${scope.shortfall}`);
    return await scope.exec(words, {
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      reject: false,
      ...execOptionsOf(flags),
      onStart: (running) => relay.attach(running),
    });
  } finally {
    await scope.close();
  }
}

/**
 * Hands this process's signals to the command. A second SIGINT kills at once. On a terminal the
 * command is in the foreground itself, so Ctrl-C reaches it without us.
 */
class SignalRelay implements Disposable {
  readonly #names = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;
  readonly #early: NodeJS.Signals[] = [];
  #running: RunningCommand | undefined;
  #interrupts = 0;

  /** From the first moment: a signal that came before the command runs is for it too. */
  constructor() {
    for (const name of this.#names) process.on(name, this.#onSignal);
  }

  attach(running: RunningCommand): void {
    this.#running = running;
    for (const name of this.#early.splice(0)) this.#onSignal(name);
  }

  [Symbol.dispose](): void {
    for (const name of this.#names) process.off(name, this.#onSignal);
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    if (!this.#running) this.#early.push(name);
    else if (name === "SIGINT" && ++this.#interrupts > 1) this.#running.stop(0);
    else this.#running.signal(name);
  };
}

function asReport(result: TaskResult): unknown {
  const { command, cwd, containment, outcome, exitCode, signal, startedAt } = result;
  const { durationMs, cpuMs, peakMemoryBytes, processes, leaks, unattributed, unseen, stuck } =
    result;
  return {
    schema: 1,
    command,
    cwd,
    containment,
    outcome,
    exitCode,
    signal,
    startedAt: startedAt.toISOString(),
    durationMs,
    cpuMs,
    peakMemoryBytes,
    processes,
    leaks,
    unattributed,
    unseen,
    stuck,
  };
}

function complain(message: string): void {
  process.stderr.write(`cofferdam exec: ${escapeForTerminal(message)}\n`);
}
