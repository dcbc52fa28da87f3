import { Command } from "commander";
import { escapeForTerminal } from "../events/index.ts";
import type { CacheState } from "../shared/index.ts";
import { formatBytes, formatCount } from "../units/index.ts";
import { exitCodes } from "./exit-codes.ts";

interface CacheFlags {
  readonly json?: true;
}

/** Loaded when it is asked for: `exec` should not wait for it. */
const shared = (): Promise<typeof import("../shared/index.ts")> => import("../shared/index.ts");

export function cacheCommand(): Command {
  return new Command("cache")
    .summary("look at, empty or check caches")
    .description(
      "Caches that programs have opened with scope.cache(). NAME is that of one of yours, or the path\n" +
        "of a cache's folder. All of it is safe while programs use the cache.",
    )
    .addCommand(statsCommand())
    .addCommand(clearCommand())
    .addCommand(verifyCommand());
}

function statsCommand(): Command {
  return new Command("stats")
    .summary("entries and bytes of each cache")
    .argument("[name...]", "caches; without, all of yours")
    .option("--json", "one JSON object instead of lines")
    .action(async (names: string[], flags: CacheFlags) => {
      const { findCaches, cacheState } = await shared();
      const caches = findCaches(names).map(cacheState);
      if (flags.json) print(JSON.stringify({ schema: 1, caches }, null, 2));
      else if (caches.length === 0) print("no caches");
      for (const cache of flags.json ? [] : caches) describe(cache);
    });
}

function clearCommand(): Command {
  return new Command("clear")
    .summary("remove all values, and files that are damaged")
    .argument("<name...>", "caches")
    .action(async (names: string[]) => {
      const { findCaches, clearCache } = await shared();
      for (const folder of findCaches(names)) {
        const { values, files } = clearCache(folder);
        const damaged =
          files === 0
            ? ""
            : `, and ${formatCount(files)} damaged ${files === 1 ? "file" : "files"}`;
        print(`${escapeForTerminal(folder)}: ${formatCount(values)} values removed${damaged}`);
      }
    });
}

function verifyCommand(): Command {
  return new Command("verify")
    .summary("read every value and say what is wrong")
    .description("Reads every value of a cache. Exit code 3 when something is wrong.")
    .argument("[name...]", "caches; without, all of yours")
    .action(async (names: string[]) => {
      const { findCaches, verifyCache } = await shared();
      for (const folder of findCaches(names)) {
        const problems = verifyCache(folder);
        print(`${escapeForTerminal(folder)}: ${problems.length === 0 ? "sound" : "damaged"}`);
        for (const problem of problems) print(`  ${escapeForTerminal(problem)}`);
        if (problems.length > 0) process.exitCode = exitCodes.someFailed;
      }
    });
}

function describe({ name, folder, entries, bytes, fileBytes, damaged, problem }: CacheState): void {
  const held = `${formatCount(entries)} values, ${formatBytes(bytes)}`;
  const what = problem === undefined ? held : `cannot be read: ${escapeForTerminal(problem)}`;
  const where = escapeForTerminal(folder);
  print(`${escapeForTerminal(name)}  ${what} (${formatBytes(fileBytes)} on disk, ${where})`);
  for (const { file, reason } of damaged)
    print(`  set aside: ${escapeForTerminal(file)} (${escapeForTerminal(reason)})`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
