import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Comparison } from "../census/index.ts";

/** What the tool said that it made. Nothing else is counted, and nothing else is ever removed. */
export interface ToolObjects {
  /** Paths in `/dev/shm`. */
  readonly sharedMemory: readonly string[];
  readonly sysvKeys: readonly number[];
}

/** The tool's own list, and whether it has made them all. */
export function readToolObjects(folder: string): ToolObjects & { readonly ready: boolean } {
  const lines = readLines(join(folder, "objects"));
  return {
    sharedMemory: lines.filter((line) => line.startsWith("/dev/shm/")),
    sysvKeys: lines.flatMap((line) => /^sysv (\d+)$/.exec(line)?.[1] ?? []).map(Number),
    ready: lines.includes("ready"),
  };
}

/**
 * Those of the tool's objects that the census finds here. A stranger may hold one by its number,
 * so both halves of the census are searched for the names.
 */
export function findLeft(
  { sharedMemory, sysvKeys }: ToolObjects,
  { left, unattributed }: Pick<Comparison, "left" | "unattributed">,
): ToolObjects {
  const paths = [...left.sharedMemory, ...unattributed.sharedMemory].map((file) => file.path);
  const keys = [...left.sysv, ...unattributed.sysv]
    .filter((entry) => entry.kind === "sem")
    .map((entry) => entry.key);
  return {
    sharedMemory: sharedMemory.filter((path) => paths.includes(path)),
    sysvKeys: sysvKeys.filter((key) => keys.includes(key)),
  };
}

/** Removes objects that {@link findLeft} gave: they are the tool's by their names. */
export function removeObjects({ sharedMemory, sysvKeys }: ToolObjects): void {
  for (const path of sharedMemory) rmSync(path, { force: true });
  for (const key of sysvKeys) {
    try {
      execFileSync("ipcrm", ["-S", String(key)], { stdio: "ignore" });
    } catch {
      // No ipcrm: the count of what the experiment itself has left says so.
    }
  }
}

/** How many objects Python's resource tracker said it found leaked; it then unlinks them. */
export function countWarned(folder: string): number {
  return readLines(join(folder, "stderr"))
    .flatMap((line) => /There appear to be (\d+) leaked/.exec(line)?.[1] ?? [])
    .reduce((sum, count) => sum + Number(count), 0);
}

/** The finished lines of a file; none where there is no file yet. */
function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").slice(0, -1);
  } catch {
    return [];
  }
}
