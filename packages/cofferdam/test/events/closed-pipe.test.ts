import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const FIXTURE = fileURLToPath(new URL("fixtures/run-of-three.ts", import.meta.url));

it.each(["tty", "plain", "json"])(
  "in mode %s a run outlives the reader of its progress",
  async (mode) => {
    const child = spawn(process.execPath, [FIXTURE, mode], { stdio: "pipe" });
    const exited = once(child, "exit");
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output !== "half\n") return;
      child.stderr.destroy();
      child.stderr.once("close", () => child.stdin.write("go on\n"));
    });
    child.stdin.on("error", () => undefined);
    expect(await exited).toEqual([0, null]);
    if (!child.stdout.closed) await once(child.stdout, "close");
    expect(output).toBe("half\nwhole\n");
  },
);
