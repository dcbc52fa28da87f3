/** `cofferdam map` when what it reads or writes does not come, does not end, or cannot be used. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { cli } from "../../../../test/support/program.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "map-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A map whose standard input and output are descriptors of the test's, or pipes to it. */
class Redirected {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  #stdout = "";
  #stderr = "";

  constructor(
    args: readonly string[],
    ends: { stdin?: number | "pipe"; stdout?: number; through?: readonly string[] } = {},
  ) {
    const words = [process.execPath, "--conditions=cofferdam-source", cli, "map", ...args];
    const [program = "", ...rest] = [...(ends.through ?? []), ...words];
    this.child = spawn(program, rest, {
      cwd: folder,
      stdio: [ends.stdin ?? "ignore", ends.stdout ?? "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    this.child.stdin?.on("error", () => undefined);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#stdout += text));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#stderr += text));
    this.ended = once(this.child, "close").then(([code]) => ({
      code: code as number | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
    // One that does not end by itself has failed its test, and must not trouble the next one.
    onTestFinished(async () => {
      this.child.kill("SIGKILL");
      await this.ended;
    });
  }

  async wrote(text: string): Promise<void> {
    while (!this.#stdout.includes(text) && this.child.exitCode === null)
      await new Promise((resolve) => setImmediate(resolve));
    expect(this.#stdout).toContain(text);
  }

  /** Resolves when it has its handlers. Of HUP: Node has one of its own for INT and TERM. */
  async handlesSignals(): Promise<void> {
    const bit = 1n << BigInt(constants.signals.SIGHUP - 1);
    for (;;) {
      const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
      if (BigInt(`0x${/SigCgt:\t(\w+)/.exec(status)?.[1]}`) & bit) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe("inputs of cofferdam map that do not come to an end", () => {
  it("end with a signal, although standard input is open and silent", async () => {
    const program = new Redirected(["echo"], { stdin: "pipe" });
    program.child.stdin?.write("a\n");
    await program.wrote("a\n");
    program.child.kill("SIGTERM");
    const { code, stderr } = await program.ended;
    expect(code).toBe(143);
    expect(stderr).toMatch(/1 done · 0 failed/);
  });

  it("end when the run cannot go on", async () => {
    const program = new Redirected(["-w", "2", "no-such-command-here"], { stdin: "pipe" });
    program.child.stdin?.write("a\n");
    const { code, stderr } = await program.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/there is no such command/);
  });

  it("end with a signal while a named pipe is silent, or has nobody who writes", async () => {
    const fifo = join(folder, "fifo");
    execFileSync("mkfifo", [fifo]);
    const reading = new Redirected(["--inputs", "fifo", "echo"]);
    const writer = await open(fifo, "w");
    try {
      await writer.write("a\n");
      await reading.wrote("a\n");
      reading.child.kill("SIGINT");
      expect((await reading.ended).code).toBe(130);
    } finally {
      await writer.close();
    }
    const waiting = new Redirected(["--inputs", "fifo", "echo"]);
    await waiting.handlesSignals();
    waiting.child.kill("SIGHUP");
    expect((await waiting.ended).code).toBe(129);
  });
});

describe("inputs of cofferdam map that cannot be read", () => {
  it.each([
    ["standard input is a folder", ".", "r", /from standard input: it is a folder/],
    ["standard input is only written to", "out", "w", /from standard input: EBADF/],
  ] as const)("%s", async (_name, path, flags, message) => {
    const stdin = openSync(join(folder, path), flags);
    try {
      const { code, stderr } = await new Redirected(["echo"], { stdin }).ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    } finally {
      closeSync(stdin);
    }
  });

  it("a folder is given with --inputs", async () => {
    const { code, stderr } = await new Redirected(["--inputs", ".", "echo"]).ended;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/from \.: it is a folder/)]);
  });
});
