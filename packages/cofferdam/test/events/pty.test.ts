import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { Screen } from "./support/screen.ts";

const FIXTURE = fileURLToPath(new URL("fixtures/resized-terminal.ts", import.meta.url));

const PYTHON = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";

/** A command line that runs another on a new pseudo-terminal and copies what is written there. */
function onPty(command: readonly string[]): string[] | undefined {
  const has = (...test: [string, ...string[]]) => spawnSync(test[0], test.slice(1)).status === 0;
  if (has("script", "-qec", "true", "/dev/null")) {
    // The paths are this repository's own; `script` takes a command line for a shell only.
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    return ["script", "-qec", quoted, "/dev/null"];
  }
  return has("python3", "-c", "import pty") ? ["python3", "-c", PYTHON, ...command] : undefined;
}

const line = onPty([process.execPath, FIXTURE]);

// Skipped where there is nothing to open a terminal with: neither util-linux nor Python.
it.skipIf(!line)("draws, follows a resize and cleans up on a real terminal", async () => {
  const [command = "", ...rest] = line ?? [];
  const env = { PATH: process.env["PATH"], TERM: "xterm-256color", LANG: "C.UTF-8" };
  const running = promisify(execFile)(command, rest, { env, encoding: "utf8", timeout: 100_000 });
  running.child.stdin?.end();
  const { stdout } = await running;

  const screen = new Screen(80, 24);
  screen.write(stdout.replaceAll("\u0004", "").replaceAll("^D\b\b", ""));
  expect(stdout).toContain("\u001b[?25l");
  expect(screen.cut).toBe(0);
  expect(screen.lines).toEqual([
    "failed b\\x1b[2J.pdf: EXIT: exit code 1 (3.1 s)",
    '<<{"first":80,"second":40}>>',
  ]);
});
