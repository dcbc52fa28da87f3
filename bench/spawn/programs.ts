import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Compiles a program of this folder. Throws with what the compiler said. */
export function compile(name: string, into: string): string {
  const binary = join(into, name);
  const args = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror"];
  const { status, stderr, error } = spawnSync(
    "cc",
    [...args, "-o", binary, join(here, `${name}.c`)],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`cc: ${error?.message ?? stderr}`);
  return binary;
}

/** Runs a program to its end; gives what it said. Rejects unless it ends with 0. */
export async function run(
  command: string,
  args: readonly string[],
  input: string | null = null,
): Promise<string> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  child.stdin.end(input ?? "");
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${code ?? "a signal"}`);
  return said;
}

/** Whether a program can be run at all. */
export function isInstalled(command: string): boolean {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
}
