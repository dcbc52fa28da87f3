/** `cofferdam map` when what it reads or writes does not come, does not end, or cannot be used. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
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

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** A map whose standard input and output are descriptors of the test's, or pipes to it. */
class Redirected {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
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

function read(name: string): string {
  return readFileSync(join(folder, name), "utf8");
}

/** The commands that a joblog has, without its header. */
function logged(name = "log"): string[] {
  return read(name)
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t")[8] ?? "");
}

/** A map that writes to a file: what earlier ones wrote stays. */
async function mapInto(
  path: string,
  args: readonly string[],
  through: readonly string[] = [],
): Promise<Ended> {
  const stdout = openSync(path, "a");
  try {
    return await new Redirected(args, { stdout, through }).ended;
  } finally {
    closeSync(stdout);
  }
}

describe("output of cofferdam map", () => {
  it.each(["SIGTERM", "SIGKILL"] as const)(
    "comes once and in order from two runs, the first of which ended with %s",
    async (signal) => {
      const script = `echo >started-$1; test $1 != 1 || test -e ok || sleep 600; echo $1`;
      const jobs = ["--", "sh", "-c", script, "sh", ":::", "1", "2", "3", "4", "5"];
      const args = ["-k", "-w", "2", "--joblog", "log", "--progress", "none"];
      const stdout = openSync(join(folder, "out"), "a");
      const program = new Redirected([...args, ...jobs], { stdout });
      closeSync(stdout);
      // The first job has one lane; when the other one begins with 4, the output of 2 and 3 is held.
      while (!existsSync(join(folder, "started-4")))
        await new Promise((resolve) => setImmediate(resolve));
      program.child.kill(signal);
      await program.ended;
      expect([read("out"), logged()]).toEqual(["", []]);
      writeFileSync(join(folder, "ok"), "");
      const again = await mapInto(join(folder, "out"), [...args, "--resume", ...jobs]);
      expect(again.code).toBe(0);
      expect(read("out")).toBe("1\n2\n3\n4\n5\n");
      expect(logged()).toHaveLength(5);
    },
  );

  it.each(["--keep-order", "--workers=1"])("cannot be written: %s", async (option) => {
    const args = [option, "--joblog", "log", "--progress", "none", "echo", ":::", "a", "b", "c"];
    const { code, stderr } = await mapInto("/dev/full", args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^cofferdam: standard output cannot be written: ENOSPC[^\n]*\n$/);
    expect(logged()).toEqual([]);
  });

  it("is not taken for written when only a part of it was", async () => {
    const bytes = 3000;
    const args = ["-w", "1", "--joblog", "log", "--", "printf", `%0${bytes}d`];
    const inputs = Array.from({ length: 20 }, (_, index) => String(index));
    const limited = ["sh", "-c", 'ulimit -f 16; exec "$@"', "sh"];
    const { code, stderr } = await mapInto(
      join(folder, "out"),
      [...args, ":::", ...inputs],
      limited,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/standard output cannot be written: EFBIG/);
    const written = read("out").length;
    expect(written % bytes).toBeGreaterThan(0);
    expect(logged()).toHaveLength(Math.floor(written / bytes));
  });

  it("may lose its reader: the jobs go on", async () => {
    const args = ["--joblog", "log", "-w", "1", "echo", ":::", "a", "b", "c"];
    const program = new Redirected(args);
    program.child.stdout?.destroy();
    const { code, stderr } = await program.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/3 done · 0 failed/);
    expect(logged()).toHaveLength(3);
  });
});

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
