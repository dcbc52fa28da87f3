import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { errorCode } from "../../errors/index.ts";

const run = promisify(execFile);

/** One process as the system lists it. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Tells a process from a later one with the same pid. Compare for equality only. */
  readonly startTime: string;
  readonly residentBytes: number;
  readonly name: string;
  /** A letter, such as `D` for uninterruptible sleep. */
  readonly state: string;
  readonly zombie: boolean;
}

/** All processes that this user can see. */
export function readProcessTable(): Promise<ProcessRow[]> {
  return process.platform === "linux" ? readProc() : readPs();
}

const pageBytes = process.platform === "linux" ? readPageSize() : 4096;

/** From the auxiliary vector: pairs of words, of which 6 (AT_PAGESZ) is the page size. */
function readPageSize(): number {
  try {
    const words = readFileSync("/proc/self/auxv");
    for (let offset = 0; offset + 16 <= words.length; offset += 16)
      if (words.readBigUInt64LE(offset) === 6n) return Number(words.readBigUInt64LE(offset + 8));
  } catch {
    // No such file: then the usual size.
  }
  return 4096;
}

async function readProc(): Promise<ProcessRow[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  return names
    .map(Number)
    .map(readProcessRow)
    .filter((row) => row !== null);
}

/**
 * Null: there is no such process. Read one after the other, and not at once: a big machine has more
 * processes than we may open files. Linux only.
 */
export function readProcessRow(pid: number): ProcessRow | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")"); // the name may hold anything
  const [state, parent, group, ...rest] = text.slice(close + 2).split(" ");
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    startTime: rest[16] ?? "", // fields are counted from 1 in proc(5); this is field 22
    residentBytes: Number(rest[18]) * pageBytes,
    name: text.slice(open + 1, close),
    state: state ?? "?",
    // One whose main thread has ended is shown like a dead one while its other threads live on.
    zombie: (state === "Z" || state === "X") && Number(rest[14]) <= 1,
  };
}

function isGone(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOENT" || code === "ESRCH";
}

async function readPs(): Promise<ProcessRow[]> {
  const columns = "pid=,ppid=,pgid=,rss=,state=,lstart=,comm=";
  const { stdout } = await run("ps", ["-A", "-o", columns], {
    env: { PATH: "/bin:/usr/bin", LC_ALL: "C" },
  });
  return stdout.split("\n").flatMap((line): ProcessRow[] => {
    // lstart is five words: Sat Nov 21 03:14:00 2026
    const match =
      /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)$/.exec(
        line,
      );
    if (!match) return [];
    const [, pid, parent, group, resident, state, startTime = "", name = ""] = match;
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        startTime,
        residentBytes: Number(resident) * 1024,
        name,
        state: state?.slice(0, 1) ?? "?",
        zombie: state?.startsWith("Z") ?? false,
      },
    ];
  });
}

/** Whether a process was started with this exact `NAME=value` in its environment (Linux). */
export function hasCookie(pid: number, cookie: (entry: string) => boolean): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").some(cookie);
  } catch {
    return false; // ended, another user's, or no /proc
  }
}

/**
 * Whether a living process is Python's resource tracker, which must outlive its siblings to clean
 * up, or may be about to become it: in the midst of its exec it shows an empty command line.
 */
export async function mayBeResourceTracker(pid: number): Promise<boolean> {
  try {
    const line = await readFile(`/proc/${pid}/cmdline`, "latin1");
    if (line === "") return true;
    const words = line.split("\0");
    return words.some((word) => word.includes("multiprocessing.resource_tracker"));
  } catch {
    return false;
  }
}

/**
 * Kills exactly this process, not another one that has got its pid since. Outside Linux that rests
 * on the list being some milliseconds old.
 */
export function killExactly(row: ProcessRow, signal: NodeJS.Signals): void {
  if (process.platform === "linux") {
    const now = readProcessRow(row.pid);
    if (now?.startTime !== row.startTime) return;
  }
  try {
    process.kill(row.pid, signal);
  } catch {
    // Gone between the look and the kill.
  }
}
