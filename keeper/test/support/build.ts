import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("../../src/", import.meta.url));

/** Whether there is a compiler at all: without one there is nothing to test here. */
export const compiler = process.env["CC"] ?? "cc";

/** Whether a program can be run here. */
export function has(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

/** Builds the keeper of this working tree into a folder. Throws with what the compiler said. */
export function buildKeeper(
  into: string,
  name: string,
  flags: readonly string[],
  more: readonly string[] = [],
): string {
  const binary = join(into, name);
  const files = readdirSync(sources)
    .filter((file) => file.endsWith(".c"))
    .map((file) => join(sources, file));
  const common = ["-std=c11", "-D_GNU_SOURCE", "-g", "-Wall", "-Wextra", "-Werror"];
  const args = [...common, ...flags, "-o", binary, ...files, ...more];
  const { status, stderr, error } = spawnSync(compiler, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${compiler}: ${error?.message ?? stderr}`);
  return binary;
}

/** Builds `NAME.c` of this folder, a process for tests. */
export function buildProgram(into: string, name: string): void {
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  const args = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror"];
  const { status, stderr, error } = spawnSync(compiler, [...args, "-o", join(into, name), source], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${compiler}: ${error?.message ?? stderr}`);
}

/**
 * Stops at the first error of memory or of arithmetic, which ends the keeper: no test can overlook
 * that.
 */
export function buildSanitized(into: string): string {
  return buildKeeper(into, "keeper-sanitized", [
    "-O1",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
  ]);
}

/** As it is shipped, for figures about memory. */
export function buildPlain(into: string): string {
  return buildKeeper(into, "keeper-plain", ["-O2"]);
}

/**
 * What the sanitizers find goes to files `sanitizer.<pid>` in `logs`: an init has only /dev/null as
 * its standard error, and so has the command.
 *
 * `detect_leaks=0`: the check would run where the keeper returns from main, at which moment tasks
 * that were cut short are still held by design (they are about to be taken by the kernel). It would
 * also have to stop the process by ptrace, which a container may refuse. Leaks are valgrind's part.
 * Inits and commands are clones of the keeper that leave by `_exit` or exec, where the check does
 * not run at all.
 *
 * `handle_sigfpe=0`: a request may hand this signal to a command that is a clone of the keeper still,
 * and has the sanitizer's handler. A division by zero of our own is what UBSan looks for.
 */
export function sanitizerEnv(logs: string): Record<string, string> {
  const log = `log_path=${join(logs, "sanitizer")}`;
  return {
    ASAN_OPTIONS: `detect_leaks=0:handle_sigfpe=0:abort_on_error=0:exitcode=99:${log}`,
    UBSAN_OPTIONS: `print_stacktrace=1:halt_on_error=1:exitcode=99:${log}`,
  };
}

/** For valgrind; see the shim. Unoptimised, so that its reports name the right lines. */
export function buildForValgrind(into: string): string {
  const shim = fileURLToPath(new URL("keeper-shim.c", import.meta.url));
  return buildKeeper(into, "keeper-valgrind", ["-O0"], [shim, "-Wl,--wrap=syscall"]);
}
