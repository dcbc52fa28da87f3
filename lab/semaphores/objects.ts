import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Comparison } from "../census/index.ts";
import { findPython } from "../survivors/python.ts";

/** An object by what others know it by: a path in `/dev/shm`, a System V key, a queue's name. */
export type ToolObject =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "sem" | "shm" | "msg"; readonly key: number }
  | { readonly kind: "queue"; readonly name: string };

/** What the tool said that it made. Nothing else is counted, and nothing else is ever removed. */
export function readToolObjects(folder: string): { made: ToolObject[]; ready: boolean } {
  const lines = readLines(join(folder, "objects"));
  return { made: lines.flatMap(parse), ready: lines.includes("ready") };
}

function parse(line: string): ToolObject[] {
  const [kind, name = ""] = line.split(" ");
  if (line.startsWith("/dev/shm/")) return [{ kind: "file", path: line }];
  if (kind === "sem" || kind === "shm" || kind === "msg") return [{ kind, key: Number(name) }];
  return kind === "queue" ? [{ kind, name }] : [];
}

/**
 * Those of the tool's objects that are there. A stranger may hold one by its number, so both halves
 * of the census are searched for the names.
 */
export function findLeft(
  made: readonly ToolObject[],
  { left, unattributed }: Pick<Comparison, "left" | "unattributed">,
): ToolObject[] {
  const files = [...left.sharedMemory, ...unattributed.sharedMemory].map(({ path }) => path);
  const sysv = [...left.sysv, ...unattributed.sysv].map(({ kind, key }) => `${kind} ${key}`);
  const queues = askQueues("list", made);
  return made.filter((object) => {
    if (object.kind === "file") return files.includes(object.path);
    if (object.kind === "queue") return queues.includes(object.name);
    return sysv.includes(`${object.kind} ${object.key}`);
  });
}

/** Removes objects that {@link findLeft} gave: they are the tool's by their names. */
export function removeObjects(objects: readonly ToolObject[]): void {
  const options = { sem: "-S", shm: "-M", msg: "-Q" };
  for (const object of objects) {
    if (object.kind === "queue") continue;
    if (object.kind === "file") {
      rmSync(object.path, { force: true });
      continue;
    }
    try {
      execFileSync("ipcrm", [options[object.kind], String(object.key)], { stdio: "ignore" });
    } catch {
      // No ipcrm: the count of what the experiment itself has left says so.
    }
  }
  askQueues("remove", objects);
}

/** By the name that a report of Cofferdam gives it. */
export function isTold(object: ToolObject, names: readonly string[]): boolean {
  if (object.kind === "file") return names.includes(basename(object.path));
  if (object.kind === "queue") return names.includes(object.name);
  const key = `key 0x${object.key.toString(16).padStart(8, "0")}`;
  return names.some((name) => name.startsWith(`${object.kind} `) && name.endsWith(key));
}

function askQueues(what: "list" | "remove", objects: readonly ToolObject[]): string[] {
  const names = objects.flatMap((object) => (object.kind === "queue" ? [object.name] : []));
  if (names.length === 0) return [];
  const program = fileURLToPath(new URL("programs/queues.py", import.meta.url));
  const command = findPython() ?? "python3";
  return execFileSync(command, [program, what, ...names], { encoding: "utf8" }).split("\n");
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
