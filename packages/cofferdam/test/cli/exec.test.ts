/** `cofferdam exec` as a program. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cli, Program, runCli } from "../../../../test/support/program.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

// The portable way everywhere, the other where it can be had.
describe.each(["", "subreaper", "group"])("cofferdam exec (COFFERDAM_CONTAINMENT=%s)", (way) => {
  const env = { COFFERDAM_CONTAINMENT: way };

  it.each([
    [["true"], 0],
    [["sh", "-c", "exit 7"], 7],
    [["sh", "-c", "kill -TERM $$"], 143],
    [["--timeout", "200ms", "--grace", "50ms", "sleep", "600"], 124],
    [
      [
        "--memory",
        "100MB",
        "python3",
        "-c",
        "b = bytearray(300_000_000); import time; time.sleep(600)",
      ],
      137,
    ],
    [["--fail-on-leak", "--", "sh", "-c", "sleep 600 & exit 0"], 122],
    [["--processes", "3", "--", "sh", "-c", "for i in 1 2 3 4 5; do sleep 600 & done; wait"], 137],
    [["--containment", "group", "true"], 0],
    [["--containment", "memory-hard", "true"], 125],
    [["--containment", "magic", "true"], 125],
    [["--containment", "toString", "true"], 125],
    [["no-such-command-here"], 127],
    [["/etc/passwd"], 126],
    [["--memory", "lots", "true"], 125],
    [["--no-such-option", "true"], 125],
    [[], 125],
    [["--clean-env", "--env-allow", "HOME", "true"], 125],
    [["--report", "/no/such/folder/report.json", "true"], 125],
    [["--help"], 0],
  ])("%j exits with %i", async (args, code) => {
    expect((await runCli(["exec", ...args], { env })).code).toBe(code);
  });

  it("passes input and output through, byte for byte, also more than a pipe holds", async () => {
    const input = "0123456789abcdef\n".repeat(500_000);
    const result = await runCli(["exec", "cat"], { env, input });
    expect(result.stdout.length).toBe(input.length);
    expect(result.stdout).toBe(input);
    const both = await runCli(["exec", "--", "sh", "-c", "echo out; echo err >&2"], { env });
    expect([both.stdout, both.stderr.split("\n").at(-2)]).toEqual(["out\n", "err"]);
  });

  it("does not take the command's options for its own", async () => {
    const result = await runCli(["exec", "echo", "--timeout", "-x"], { env });
    expect(result.stdout).toBe("--timeout -x\n");
  });

  it("writes a report", async () => {
    const report = join(folder, "report.json");
    await runCli(["exec", "--report", report, "sh", "-c", "exit 3"], { env });
    expect(JSON.parse(readFileSync(report, "utf8"))).toMatchObject({
      schema: 1,
      command: ["sh", "-c", "exit 3"],
      outcome: "failed",
      exitCode: 3,
      processes: { left: 0 },
    });
  });

  it("writes a report through a link, also where the link leads nowhere yet", async () => {
    const [link, target] = [join(folder, "link.json"), join(folder, "target.json")];
    symlinkSync(target, link);
    await runCli(["exec", "--report", link, "no-such-command-here"], { env });
    expect(readlinkSync(link)).toBe(target);
    expect(JSON.parse(readFileSync(target, "utf8"))).toMatchObject({ outcome: "failed" });
  });

  it("says how the command ended when its report cannot be written any more", async () => {
    const gone = join(folder, "gone");
    mkdirSync(gone);
    const args = ["--report", join(gone, "r.json"), "--", "sh", "-c", `rmdir ${gone}; exit 4`];
    const { code, stderr } = await runCli(["exec", ...args], { env });
    expect(stderr).toMatch(/report could not be written: ENOENT.*: failed, exit code 4\n/);
    expect(code).toBe(125);
  });

  it.each([
    ["no-such-command-here", 127],
    ["true", 0],
  ])("keeps the exit code of %s where nothing can be said any more", (command, code) => {
    const script = 'exec "$0" --conditions=cofferdam-source "$1" exec "$2" 2>/dev/full';
    const args = ["-c", script, process.execPath, cli, command];
    expect(spawnSync("sh", args, { env: { ...process.env, ...env } }).status).toBe(code);
  });

  it("runs nothing where the folder for runs or the working directory is not there", async () => {
    const nowhere = join(folder, "nowhere");
    const ran = join(folder, "ran");
    const homeless = await runCli(["exec", "touch", ran], { env: { ...env, TMPDIR: nowhere } });
    expect(homeless.stderr).toContain(join(nowhere, `cofferdam-${userInfo().uid}`));
    expect(homeless.stderr).toContain("set TMPDIR to a folder");
    const script =
      'cd "$3"; rmdir "$3"; exec "$0" --conditions=cofferdam-source "$1" exec touch "$2"';
    const removed = join(folder, "removed");
    mkdirSync(removed);
    const args = ["-c", script, process.execPath, cli, ran, removed];
    const { status, stderr } = spawnSync("sh", args, {
      env: { ...process.env, ...env },
      encoding: "utf8",
    });
    expect(stderr).toContain("the working directory has been removed (ENOENT)");
    expect([homeless.code, status]).toEqual([125, 125]);
    expect([existsSync(nowhere), existsSync(ran)]).toEqual([false, false]);
  });

  it("hands signals on, and ends what the command leaves", async () => {
    const script = "trap 'echo caught; exit 5' TERM; setsid sleep 600 & echo READY; wait";
    const program = new Program([cli, "exec", "--", "sh", "-c", script], { env });
    await program.said(/READY/);
    process.kill(program.pid, "SIGTERM");
    const result = await program.finished;
    expect(result.stdout).toContain("caught");
    expect(result.code).toBe(5);
  });

  it("kills at once at the second interrupt", async () => {
    const script = "trap '' TERM; trap 'echo once' INT; echo READY; while :; do sleep 0.1; done";
    const program = new Program([cli, "exec", "--", "sh", "-c", script], { env });
    await program.said(/READY/);
    process.kill(program.pid, "SIGINT");
    await program.said(/once/);
    process.kill(program.pid, "SIGINT");
    expect((await program.finished).code).toBe(137);
  });
});

it.each(["", "subreaper"])("gives the number of a real-time signal (%s)", async (way) => {
  const report = join(folder, "report.json");
  const args = ["exec", "--report", report, "--", "sh", "-c", "kill -36 $$"];
  const { code, stderr } = await runCli(args, { env: { COFFERDAM_CONTAINMENT: way } });
  expect(code).toBe(128 + 36);
  expect(stderr).toContain("SIGRTMIN+2");
  expect(JSON.parse(readFileSync(report, "utf8"))).toMatchObject({ signal: "SIGRTMIN+2" });
});

describe("cofferdam", () => {
  it.skipIf(!existsSync("/dev/full"))("says when nothing can be written", () => {
    const script = 'exec "$0" --conditions=cofferdam-source "$1" --help >/dev/full';
    const full = spawnSync("sh", ["-c", script, process.execPath, cli], { encoding: "utf8" });
    expect(full.stderr).toMatch(/^cofferdam: standard output cannot be written: ENOSPC.*\n$/);
    expect(full.status).toBe(1);
  });

  it("keeps its runs in a folder that TMPDIR names from here", async () => {
    const env = { TMPDIR: "." };
    const { code, stdout } = await runCli(["exec", "sh", "-c", "echo $TMPDIR"], {
      env,
      cwd: folder,
    });
    expect(stdout.startsWith(`${folder}/cofferdam-`)).toBe(true);
    expect(code).toBe(0);
  });

  it("explains itself, and knows its version", async () => {
    const help = await runCli(["--help"]);
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/exec.*documents/s);
    expect((await runCli(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await runCli(["help", "documents"])).stdout).toContain("--page-markers");
  });

  it.each([
    [["exce"], 1, "unknown command 'exce'"],
    [["--nonsense"], 1, "unknown option '--nonsense'"],
    [["sweep", "--nonsense"], 1, "unknown option '--nonsense'"],
    [["doctor", "--nonsense"], 1, "unknown option '--nonsense'"],
    [["map", "--nonsense"], 1, "unknown option '--nonsense'"],
    [["map", "--memory", "lots", "true"], 1, '"lots"'],
    [["documents", "--nonsense"], 1, "required option '-o, --out"],
    [["exec", "--nonsense"], 125, "unknown option '--nonsense'"],
    [["exec"], 125, "missing required argument 'command'"],
    [["exec", "--memory", "lots", "true"], 125, '"lots"'],
  ])("refuses %j with %i, and says what is wrong", async (args, code, message) => {
    const refused = await runCli(args);
    expect(refused.stderr).toMatch(/^cofferdam: /);
    expect(refused.stderr).toContain(message);
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code, stdout: "" });
  });

  it("refuses a containment and a keeper that it cannot have", async () => {
    const wrong = await runCli(["exec", "true"], { env: { COFFERDAM_CONTAINMENT: "magic" } });
    expect(wrong.stderr).toMatch(/COFFERDAM_CONTAINMENT is "magic"/);
    const env = { COFFERDAM_CONTAINMENT: "", COFFERDAM_KEEPER: "/nowhere" };
    const nowhere = await runCli(["exec", "true"], { env });
    expect(nowhere.stderr).toMatch(/COFFERDAM_KEEPER names no executable file: \/nowhere/);
    expect([wrong.code, nowhere.code]).toEqual([125, 125]);
  });

  it("refuses a report that cannot be written before it runs anything, and changes none", async () => {
    const proof = join(folder, "ran");
    const refused = await runCli(["exec", "--report", folder, "touch", proof]);
    expect(refused.stderr).toMatch(/the report cannot be written, so nothing was run: EISDIR/);
    expect([refused.code, existsSync(proof)]).toEqual([125, false]);
    const report = join(folder, "report.json");
    const unmade = await runCli(["exec", "--report", report, "--containment", "magic", "true"]);
    expect([unmade.code, existsSync(report)]).toEqual([125, false]);
    writeFileSync(report, "older");
    await runCli(["exec", "--report", report, "--containment", "magic", "true"]);
    expect(readFileSync(report, "utf8")).toBe("older");
  });
});
