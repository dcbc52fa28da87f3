import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const cli = fileURLToPath(new URL("../../bin/cofferdam.js", import.meta.url));

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

  constructor(
    args: readonly string[],
    options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
  ) {
    this.child = spawn(process.execPath, ["--conditions=cofferdam-source", ...args], {
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.child.stdin?.end(options.input);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
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
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match) return match;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`it ended without saying ${String(pattern)}: ${this.stdout}${this.stderr}`);
      await Promise.race([
        this.child.stdout && once(this.child.stdout, "data"),
        this.child.stderr && once(this.child.stderr, "data"),
        once(this.child, "close"),
      ]);
    }
  }
}

/** Runs the command line to its end. */
export function runCli(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): Promise<Finished> {
  return new Program([cli, ...args], options).finished;
}
