import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { CofferdamError, errorCode, errorMessage } from "../errors/index.ts";
import { escapeForTerminal } from "../events/index.ts";
import { conventionalCodes } from "../scope/index.ts";
import { apps, loadApp } from "./apps.ts";
import { cacheCommand } from "./cache-command.ts";
import { doctorCommand } from "./doctor-command.ts";
import { execCommand } from "./exec-command.ts";
import { exitCodes } from "./exit-codes.ts";
import { logCommand, replayCommand, statusCommand } from "./inspect-commands.ts";
import { mapCommand } from "./map-command.ts";
import { runCommand } from "./run-command.ts";
import { surviveClosedPipes } from "./standard-output.ts";
import { sweepCommand } from "./sweep-command.ts";

/** Runs the command line. Sets the process's exit code and never rejects. */
export async function main(args: readonly string[]): Promise<void> {
  surviveClosedPipes();
  try {
    const program = await createProgram(args);
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    process.exitCode = explain(error, args[0]);
  }
}

async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command("cofferdam")
    .description("Runs heavy work in contained worker processes, and leaves nothing behind.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, "cofferdam:")) })
    .showHelpAfterError("(--help lists what there is)");
  addCommand(program, execCommand());
  addCommand(program, mapCommand());
  addCommand(program, runCommand());
  addCommand(program, statusCommand());
  addCommand(program, logCommand());
  addCommand(program, replayCommand());
  addCommand(program, sweepCommand());
  addCommand(program, doctorCommand());
  addCommand(program, cacheCommand());
  for (const app of apps) {
    // An application is heavy; it is loaded when it is the one that is called.
    const called = args[0] === "help" ? args[1] : args[0];
    if (called === app.name) addCommand(program, await loadApp(app));
    else program.command(app.name).summary(app.summary);
  }
  return program;
}

function addCommand(program: Command, command: Command): void {
  program.addCommand(command.copyInheritedSettings(program));
}

function explain(error: unknown, called: string | undefined): number {
  // A 1 of `exec` is the 1 of the command that it ran.
  const failure = called === "exec" ? conventionalCodes.own : exitCodes.usage;
  // Commander has printed its own errors (and help and version, which are none).
  if (error instanceof CommanderError || errorCode(error)?.startsWith("commander.")) {
    return (error as CommanderError).exitCode === 0 ? exitCodes.ok : failure;
  }
  process.stderr.write(`cofferdam: ${escapeForTerminal(errorMessage(error))}\n`);
  if (!(error instanceof CofferdamError) && error instanceof Error && process.env["DEBUG"])
    process.stderr.write(`${error.stack ?? ""}\n`);
  return failure;
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
