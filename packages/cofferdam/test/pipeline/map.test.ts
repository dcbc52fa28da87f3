/** `cofferdam map` as a program: real commands, real files, exit codes. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cli, Program, runCli, type Finished } from "../../../../test/support/program.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "map-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function map(args: readonly string[], input?: string): Promise<Finished> {
  return runCli(["map", ...args], { cwd: folder, ...(input === undefined ? {} : { input }) });
}

/** The columns of a joblog's lines, without its header. */
function readJoblog(name = "log"): string[][] {
  const [header = "", ...lines] = readFileSync(join(folder, name), "utf8").trimEnd().split("\n");
  expect(header).toBe("Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand");
  return lines.map((line) => line.split("\t"));
}

describe("cofferdam map", () => {
  it("puts inputs into the placeholders of GNU parallel", async () => {
    const words = ["{}", "{.}", "{/}", "{//}", "{/.}", "{#}", "x{}y", "{other}"];
    const inputs = ["a/b.c.txt", "plain", "/top", ".hidden", "a b/$(c)'d.e"];
    const { stdout, code } = await map([
      "-k",
      "--",
      "printf",
      "%s|",
      ...words,
      "\n",
      ":::",
      ...inputs,
    ]);
    expect(code).toBe(0);
    expect(
      stdout.split("\n").map((line) => line.replace(/^\|/, "").split("|").slice(0, -1)),
    ).toEqual([
      ["a/b.c.txt", "a/b.c", "b.c.txt", "a", "b.c", "1", "xa/b.c.txty", "{other}"],
      ["plain", "plain", "plain", ".", "plain", "2", "xplainy", "{other}"],
      ["/top", "/top", "top", "/", "top", "3", "x/topy", "{other}"],
      [".hidden", ".hidden", ".hidden", ".", ".hidden", "4", "x.hiddeny", "{other}"],
      ["a b/$(c)'d.e", "a b/$(c)'d", "$(c)'d.e", "a b", "$(c)'d", "5", "xa b/$(c)'d.ey", "{other}"],
      [],
    ]);
  });

  it("reads lines from standard input and files, and appends them where there is no placeholder", async () => {
    expect((await map(["-k", "echo"], "one\ntwo words\n\nlast")).stdout).toBe(
      "one\ntwo words\n\nlast\n",
    );
    writeFileSync(join(folder, "inputs"), "a\0b\nc\0");
    const { stdout } = await map(["-k", "-0", "--inputs", "inputs", "--", "printf", "<%s>"]);
    expect(stdout).toBe("<a><b\nc>");
    const missing = await map(["--inputs", "nowhere", "echo"]);
    expect([missing.code, missing.stderr]).toEqual([
      1,
      expect.stringMatching(/inputs cannot be read from nowhere: ENOENT/),
    ]);
  });

  it("keeps each job's output together, in order when asked, byte for byte", async () => {
    const script = 'test "$1" = 1 && sleep 0.3; printf "%s\\377" "$1"; sleep 0.05; echo "$1"';
    const args = ["-w", "4", "--", "sh", "-c", script, "sh"];
    const program = new Program([cli, "map", "-k", ...args, ":::", "1", "2", "3"], { cwd: folder });
    const chunks: Buffer[] = [];
    program.child.stdout?.removeAllListeners("data");
    program.child.stdout?.setEncoding("latin1").on("data", (text: string) => {
      chunks.push(Buffer.from(text, "latin1"));
    });
    await program.finished;
    expect(Buffer.concat(chunks).toString("latin1")).toBe("1\xff1\n2\xff2\n3\xff3\n");
  });

  it("writes a joblog, and resumes from it by content", async () => {
    const script = 'test "$1" != bad';
    const first = await map([
      "--joblog",
      "log",
      "--",
      "sh",
      "-c",
      script,
      "sh",
      ":::",
      "a",
      "bad",
      "new\nline",
      "it's",
    ]);
    expect(first.code).toBe(3);
    const entries = readJoblog();
    expect(entries).toHaveLength(4);
    expect(entries.map((columns) => columns[6]).toSorted()).toEqual(["0", "0", "0", "1"]);
    expect(entries.map((columns) => columns[8]).toSorted()[3]).toBe(
      `sh -c 'test "$1" != bad' sh bad`,
    );

    const refused = await map(["--joblog", "log", "true", ":::", "a"]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("--resume")]);
    expect((await map(["--resume", "true", ":::", "a"])).code).toBe(1);

    // In another order, with one that is new and one twice: numbers mean nothing.
    const inputs = ["it's", "new\nline", "other", "bad", "a", "a"];
    const again = await map([
      "--joblog",
      "log",
      "--resume",
      "--",
      "sh",
      "-c",
      script,
      "sh",
      ":::",
      ...inputs,
    ]);
    expect(again.stderr).toMatch(/2 done · 3 skipped · 1 failed/);
    expect(readJoblog()).toHaveLength(7);
  });

  it("takes away a line that a killed run has cut off, and runs its job again", async () => {
    await map(["--joblog", "log", "true", ":::", "a", "b"]);
    const whole = readFileSync(join(folder, "log"), "utf8");
    writeFileSync(join(folder, "log"), whole.slice(0, -3));
    const again = await map(["--joblog", "log", "--resume", "true", ":::", "a", "b"]);
    expect(again.stderr).toMatch(/1 done · 1 skipped · 0 failed/);
    expect(readJoblog()).toHaveLength(2);
  });

  it("goes on where a SIGKILL has cut it off, and leaves nothing running", async () => {
    const marks = join(folder, "marks");
    const script = `echo "$1" >>${marks}; test "$1" != 3 || test -e ok || { setsid sleep 600 & sleep 600; }`;
    const args = ["--joblog", "log", "-w", "1", "--", "sh", "-c", script, "sh", ":::"];
    const program = new Program([cli, "map", ...args, "1", "2", "3", "4"], { cwd: folder });
    while (!existsSync(marks) || !readFileSync(marks, "utf8").includes("3"))
      await new Promise((resolve) => setImmediate(resolve));
    process.kill(program.pid, "SIGKILL");
    await program.finished;
    writeFileSync(join(folder, "ok"), "");
    const again = await map(["--resume", ...args, "1", "2", "3", "4"]);
    expect(again.stderr).toMatch(/2 done · 2 skipped · 0 failed/);
    expect(readFileSync(marks, "utf8")).toBe("1\n2\n3\n3\n4\n");
    expect(readJoblog().map((columns) => columns[8]?.at(-1))).toEqual(["1", "2", "3", "4"]);
  });

  it("tries again, and says why a job failed", async () => {
    const script = `echo x >>${folder}/tries-"$1"; test "$(wc -l <${folder}/tries-"$1")" -ge "$1"`;
    const args = ["--retries", "2", "--joblog", "log", "--", "sh", "-c", script, "sh"];
    const { code, stderr } = await map([...args, ":::", "1", "2", "3", "4"]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/failed 4: EXIT: "?sh/);
    expect(readJoblog().map((columns) => columns[6])).toHaveLength(4);
    expect(readFileSync(join(folder, "tries-4"), "utf8")).toBe("x\n".repeat(3));
  });

  it("contains each job, and gives exec's codes in the joblog", async () => {
    const hang = await map([
      "--timeout",
      "200ms",
      "--grace",
      "50ms",
      "--joblog",
      "log",
      "sleep",
      ":::",
      "600",
    ]);
    expect(hang.code).toBe(2);
    expect(readJoblog()[0]?.slice(6, 8)).toEqual(["124", "0"]);
    await map(["--joblog", "killed", "--", "sh", "-c", "kill -SEGV $$", ":::", "x"]);
    expect(readJoblog("killed")[0]?.slice(6, 8)).toEqual(["0", "11"]);
  });

  it("stops at once when the command is not there, or one input cannot be one", async () => {
    const gone = await map(["no-such-command-here", ":::", "a", "b", "c"]);
    expect(gone.code).toBe(1);
    expect(gone.stderr.match(/there is no such command/g)).toHaveLength(1);
    writeFileSync(join(folder, "latin"), Buffer.from("caf\xe9\nok\n", "latin1"));
    const { stdout, stderr, code } = await map(["--inputs", "latin", "echo"]);
    expect([stdout, code]).toEqual(["ok\n", 3]);
    expect(stderr).toMatch(/failed input 1: INVALID_ARGUMENT: it is not valid UTF-8/);
  });

  it("ends its jobs when it is interrupted, and counts them as pending", async () => {
    const args = ["-w", "2", "-k", "--joblog", "log", "--", "sh", "-c", "echo go >&2; sleep 600"];
    const started = ["--ungroup", ...args.filter((word) => word !== "-k")];
    const program = new Program([cli, "map", ...started, ":::", "1", "2", "3"], { cwd: folder });
    await program.said(/go/);
    process.kill(program.pid, "SIGINT");
    const { code, stderr } = await program.finished;
    expect(code).toBe(130);
    expect(stderr).toMatch(/0 done · 0 failed · 3 pending/);
    expect(readJoblog()).toEqual([]);
  });

  it("lets one run write to a joblog", async () => {
    const program = new Program(
      [
        cli,
        "map",
        "--ungroup",
        "--joblog",
        "log",
        "--",
        "sh",
        "-c",
        "echo go; sleep 600",
        ":::",
        "1",
      ],
      { cwd: folder },
    );
    await program.said(/go/);
    const second = await map(["--resume", "--joblog", "log", "true", ":::", "2"]);
    expect([second.code, second.stderr]).toEqual([1, expect.stringMatching(/another run/)]);
    process.kill(program.pid, "SIGTERM");
    expect((await program.finished).code).toBe(143);
  });

  it("says so when the joblog cannot be written, and starts nothing more", async () => {
    const full = await map(["--joblog", "/dev/full", "true", ":::", "1", "2"]);
    expect(full.code).toBe(1);
    expect(full.stderr).toMatch(/joblog \/dev\/full cannot be written: ENOSPC/);
  });

  it("logs no job as done that wrote too much, and runs it again", async () => {
    const script = "test -e ok || head -c 67200000 /dev/zero";
    const args = ["--joblog", "log", "--", "sh", "-c", script, "sh", ":::", "a"];
    const first = await map(args);
    expect([first.code, first.stderr]).toEqual([2, expect.stringMatching(/failed a: OUTPUT/)]);
    expect(readJoblog()[0]?.slice(6, 8)).toEqual(["125", "0"]);
    writeFileSync(join(folder, "ok"), "");
    expect((await map(["--resume", ...args])).stderr).toMatch(/1 done · 0 failed/);
  });

  it.each([
    ["--timeout", "0", /must be above 0/],
    ["--memory", "0", /must be above 0/],
    ["--jobserver", "4097", /at most 4096/],
    ["--jobserver", "0", /above 0/],
    ["--processes", "0", /above 0/],
    ["--threads", "1.5", /above 0/],
    ["--cpus", "0", /above 0/],
    ["--workers", "0", /above 0/],
    ["--retries", "-1", /not a whole number/],
  ])("takes %s %s for wrong usage, before anything starts", async (option, value, message) => {
    const wrong = await map(["--joblog", "log", option, value, "touch", ":::", "ran"]);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(existsSync(join(folder, "log")) || existsSync(join(folder, "ran"))).toBe(false);
    if (["--workers", "--retries"].includes(option)) return;
    const one = await runCli(["exec", option, value, "true"], { cwd: folder });
    expect([one.code, one.stderr]).toEqual([125, expect.stringMatching(message)]);
  });

  it("takes no retries, no grace, and more workers than there can be", async () => {
    const options = ["--retries", "0", "--grace", "0", "-w", String(Number.MAX_SAFE_INTEGER)];
    const { code, stdout } = await map(["-k", ...options, "echo", ":::", "a", "b"]);
    expect([code, stdout]).toEqual([0, "a\nb\n"]);
  });
});
