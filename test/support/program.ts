import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const cli = fileURLToPath(
  new URL("../../packages/cofferdam/bin/cofferdam.js", import.meta.url),
);

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of ours that runs beside the test, on the sources. */
export class Program {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  stdout = "";
  stderr = "";
  readonly #looks = new Set<() => void>();

  constructor(
    args: readonly string[],
    options: {
      cwd?: string;
      env?: Record<string, string>;
      input?: string;
      /** The one CPU that it may use. */
      cpu?: number;
    } = {},
  ) {
    const command = [process.execPath, "--conditions=cofferdam-source", ...args];
    if (options.cpu !== undefined) command.unshift("taskset", "-c", String(options.cpu));
    this.child = spawn(command[0] ?? "", command.slice(1), {
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      env: {
        ...process.env,
        NODE_OPTIONS: "",
        ...options.env,
      },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.child.stdin?.end(options.input);
    this.child.stdout
      ?.setEncoding("utf8")
      .on("data", (text: string) => this.#heard("stdout", text));
    this.child.stderr
      ?.setEncoding("utf8")
      .on("data", (text: string) => this.#heard("stderr", text));
    this.finished = once(this.child, "close").then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Resolves once its standard output or error has matched. Rejects when it ends first. */
  said(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
        if (!match) return;
        this.#looks.delete(look);
        resolve(match);
      };
      this.#looks.add(look);
      look();
      void this.finished.then(({ stdout, stderr }) =>
        reject(new Error(`it ended without saying ${String(pattern)}: ${stdout}${stderr}`)),
      );
    });
  }

  #heard(stream: "stdout" | "stderr", text: string): void {
    this[stream] += text;
    for (const look of this.#looks) look();
  }
}

/** Runs the command line to its end. */
export function runCli(
  args: readonly string[],
  options: {
    cwd?: string;
    env?: Record<string, string>;
    input?: string;
    /** The one CPU that it may use. */
    cpu?: number;
  } = {},
): Promise<Finished> {
  return new Program([cli, ...args], options).finished;
}
