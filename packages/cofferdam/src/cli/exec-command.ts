import { writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { Command, Option } from "commander";
import { CofferdamError, errorMessage } from "../errors/index.ts";
import { escapeForTerminal } from "../events/index.ts";
import type { Containment } from "../keeper/index.ts";
import { openScope } from "../open-scope.ts";
import { TaskError, type RunningCommand, type TaskResult } from "../scope/index.ts";
import { parseDuration, parseSize } from "../units/index.ts";
import { optionParser, parseCount } from "./options.ts";

/** As `timeout`, `env` and shells have them. The report's `outcome` decides where a command's own code is the same. */
const codes = { timeout: 124, memory: 137, leak: 122, own: 125, notExecutable: 126, notFound: 127 };

interface ExecFlags {
  readonly timeout?: number;
  readonly grace?: number;
  readonly memory?: number;
  readonly processes?: number;
  readonly threads?: number;
  readonly cpus?: number;
  readonly containment?: readonly string[];
  readonly network: boolean;
  readonly ipc?: "task" | "host";
  readonly cleanEnv?: true;
  readonly envAllow?: readonly string[];
  readonly report?: string;
  readonly failOnLeak?: true;
}

export function execCommand(): Command {
  return new Command("exec")
    .summary("run one command in containment")
    .description(
      "Runs a command with its input, output, signals and exit code passed through.\n" +
        "When it ends, everything that it started is ended too.",
    )
    .usage("[options] -- COMMAND [ARGUMENT...]")
    .argument("<command...>", "the command and its arguments; no shell is involved")
    .option(
      "--timeout <duration>",
      "deadline for the whole tree, such as 10m",
      optionParser(parseDuration),
    )
    .option(
      "--grace <duration>",
      "between TERM and KILL (default: 5s)",
      optionParser(parseDuration),
    )
    .option(
      "--memory <size>",
      "bound for the memory of the whole tree, such as 2GB",
      optionParser(parseSize),
    )
    .option("--processes <n>", "bound for the number of processes", optionParser(parseCount))
    .option("--threads <n>", "threads that libraries are told to use", optionParser(parseCount))
    .option("--cpus <n>", "CPUs that the tree may run on", optionParser(parseCount))
    .option("--containment <what>", "refuse less, such as namespace,ipc,memory-hard", (text) =>
      text.split(","),
    )
    .option("--no-network", "take the network away, but for loopback")
    .addOption(new Option("--ipc <whose>", "SysV objects and /dev/shm").choices(["task", "host"]))
    .addOption(new Option("--clean-env", "an empty environment but for PATH").conflicts("envAllow"))
    .option("--env-allow <names>", "only these variables and PATH", (text) => text.split(","))
    .option("--report <file>", "write a report as JSON")
    .option("--fail-on-leak", `exit with ${codes.leak} if the command left something behind`)
    .passThroughOptions()
    .action(async (words: string[], flags: ExecFlags) => {
      process.exitCode = await run(words, flags);
    });
}

async function run(words: readonly string[], flags: ExecFlags): Promise<number> {
  let result: TaskResult;
  try {
    result = await runContained(words, flags);
  } catch (error) {
    complain(errorMessage(error));
    return codes.own;
  }
  if (flags.report !== undefined) {
    try {
      await writeFile(flags.report, JSON.stringify(asReport(result), null, 2) + "\n");
    } catch (error) {
      complain(`the report could not be written: ${errorMessage(error)}`);
      return codes.own;
    }
  }
  // An exit code speaks for itself, and who has pressed Ctrl-C knows.
  const isPlain =
    result instanceof TaskError && (result.code === "EXIT" || result.signal === "SIGINT");
  if (result instanceof TaskError && !isPlain) complain(result.message);
  return exitCodeOf(result);
}

async function runContained(words: readonly string[], flags: ExecFlags): Promise<TaskResult> {
  using relay = new SignalRelay();
  const scope = await openScope();
  try {
    requireContainment(scope.containment, flags.containment ?? []);
    if (scope.shortfall !== "")
      complain(`containment is ${scope.containment.tree} only, not verified: ${scope.shortfall}`);
    return await scope.exec(words, {
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      reject: false,
      ...(flags.timeout === undefined ? {} : { timeout: flags.timeout }),
      ...(flags.memory === undefined ? {} : { memory: flags.memory }),
      ...(flags.grace === undefined ? {} : { grace: flags.grace }),
      ...(flags.processes === undefined ? {} : { processes: flags.processes }),
      ...(flags.threads === undefined ? {} : { threads: flags.threads }),
      ...(flags.cpus === undefined ? {} : { cpus: flags.cpus }),
      ...(flags.ipc === undefined ? {} : { ipc: flags.ipc }),
      ...(flags.cleanEnv ? { inheritEnv: ["PATH"] } : {}),
      ...(flags.envAllow ? { inheritEnv: ["PATH", ...flags.envAllow] } : {}),
      network: flags.network,
      ...(flags.failOnLeak ? { failOnLeak: true } : {}),
      onStart: (running) => relay.attach(running),
    });
  } finally {
    await scope.close();
  }
}

/** What can be asked for beside a tree, and whether it is there. */
const requirements: Readonly<Record<string, (containment: Containment) => boolean>> = {
  namespace: ({ tree }) => tree === "namespace",
  subreaper: ({ tree }) => tree !== "group",
  group: () => true,
  ipc: ({ ipc }) => ipc === "task",
  proc: ({ proc }) => proc === "task",
  memory: ({ memory }) => memory !== "none",
  "memory-hard": ({ memory }) => memory === "hard",
  "pids-hard": ({ pids }) => pids === "hard",
};

function requireContainment(containment: Containment, required: readonly string[]): void {
  for (const name of required) {
    const isMet = requirements[name];
    if (!isMet)
      throw new CofferdamError(
        "INVALID_ARGUMENT",
        `--containment knows no ${JSON.stringify(name)}; it knows ${Object.keys(requirements).join(", ")}`,
      );
    if (!isMet(containment))
      throw new CofferdamError(
        "CONTAINMENT_UNAVAILABLE",
        `\`${name}\` is required and cannot be had here; \`cofferdam doctor\` says why`,
      );
  }
}

/**
 * Hands this process's signals to the command. A second SIGINT kills at once. On a terminal the
 * command is in the foreground itself, so Ctrl-C reaches it without us; Ctrl-Z stops us with it.
 */
class SignalRelay implements Disposable {
  readonly #names = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;
  readonly #early: NodeJS.Signals[] = [];
  #running: RunningCommand | undefined;
  #interrupts = 0;

  /** From the first moment: a signal that came before the command runs is for it too. */
  constructor() {
    process.on("SIGCONT", this.#onContinue);
    for (const name of this.#names) process.on(name, this.#onSignal);
  }

  attach(running: RunningCommand): void {
    this.#running = running;
    running.onStopped(() => process.kill(process.pid, "SIGSTOP"));
    for (const name of this.#early.splice(0)) this.#onSignal(name);
  }

  [Symbol.dispose](): void {
    process.off("SIGCONT", this.#onContinue);
    for (const name of this.#names) process.off(name, this.#onSignal);
  }

  readonly #onContinue = (): void => this.#running?.resume();

  readonly #onSignal = (name: NodeJS.Signals): void => {
    if (!this.#running) this.#early.push(name);
    else if (name === "SIGINT" && ++this.#interrupts > 1) this.#running.stop(0);
    else this.#running.signal(name);
  };
}

function exitCodeOf(result: TaskResult): number {
  if (result.startFailure) return startCode(result.startFailure);
  if (result instanceof TaskError && result.code === "LEAK") return codes.leak;
  if (result.outcome === "timeout") return codes.timeout;
  if (result.outcome === "memory") return codes.memory;
  if (result.outcome === "lost" || result.outcome === "stuck") return codes.own;
  if (result.signal !== null) return 128 + constants.signals[result.signal];
  return result.exitCode ?? codes.own;
}

function startCode({ stage, code }: { stage: string; code: string }): number {
  if (stage !== "exec") return codes.own;
  return code === "ENOENT" ? codes.notFound : codes.notExecutable;
}

function asReport(result: TaskResult): unknown {
  const { command, cwd, containment, outcome, exitCode, signal, startedAt } = result;
  const { durationMs, cpuMs, peakMemoryBytes, processes, leaks } = result;
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
  };
}

function complain(message: string): void {
  process.stderr.write(`cofferdam exec: ${escapeForTerminal(message)}\n`);
}
