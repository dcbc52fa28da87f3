import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { listOutputs } from "./outputs.ts";

/** What is killed again and again: a command that fills a folder with files. */
export interface Subject {
  /** Program and arguments of a run that fills `out`, or completes it. */
  readonly command: (out: string) => readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** By what a finished file is known: `.md`. */
  readonly suffix: string;
}

export interface RunningCommand {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The end of what it wrote to stderr. */
  readonly stderrTail: () => string;
  readonly hasEnded: () => boolean;
  /** Is there a file that a reader would take for finished? */
  readonly hasOutput: () => boolean;
  /** Settles when the command itself has ended; what it started may live on. */
  readonly ended: Promise<CommandEnd>;
}

export interface CommandEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const TAIL_CHARACTERS = 2_000;

/** Starts the subject; resolves when it has a pid. */
export async function startSubject(
  subject: Subject,
  out: string,
  env: NodeJS.ProcessEnv,
): Promise<RunningCommand> {
  const [command = "", ...args] = subject.command(out);
  const child = spawn(command, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...subject.env, ...env },
  });
  let tail = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    tail = (tail + text).slice(-TAIL_CHARACTERS);
  });
  let end: CommandEnd | null = null;
  const ended = new Promise<CommandEnd>((resolve) => {
    child.once("exit", (code, signal) => {
      end = { code, signal };
      // A descendant that lives on may hold the other end for ever.
      child.stderr.destroy();
      resolve(end);
    });
  });
  await once(child, "spawn");
  if (child.pid === undefined) throw new Error(`${command} has no pid`);
  return {
    pid: child.pid,
    child,
    stderrTail: () => tail,
    hasEnded: () => end !== null,
    hasOutput: () => {
      try {
        return listOutputs(out, subject.suffix).length > 0;
      } catch {
        return false; // A folder went away while it was read.
      }
    },
    ended,
  };
}
