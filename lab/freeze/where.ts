import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { readProcessStat } from "../census/index.ts";

/** Where a process stands that gets no further. */
export interface Blocked {
  readonly pid: number;
  readonly starttime: number;
  readonly threads: number;
  /** What its main thread waits for in the kernel, by name. */
  readonly wchan: string;
  /** The number of the system call that it is in. */
  readonly syscall: string;
  /** Its Python frames, innermost first; empty where py-spy cannot see them. */
  readonly frames: readonly string[];
}

/** Looks at the children of a process. */
export async function lookAtChildren(parent: number, pySpy: string): Promise<Blocked[]> {
  return Promise.all(childrenOf(parent).map((pid) => look(pid, pySpy)));
}

function childrenOf(parent: number): number[] {
  try {
    const text = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim();
    return text === "" ? [] : text.split(" ").map(Number);
  } catch {
    return [];
  }
}

async function look(pid: number, pySpy: string): Promise<Blocked> {
  return {
    pid,
    starttime: readProcessStat(pid)?.starttime ?? 0,
    threads: threadsOf(pid),
    wchan: read(pid, "wchan"),
    syscall: read(pid, "syscall").split(" ")[0] ?? "",
    frames: await pythonFrames(pid, pySpy),
  };
}

function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length;
  } catch {
    return 0;
  }
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8").trim();
  } catch {
    return "?";
  }
}

async function pythonFrames(pid: number, pySpy: string): Promise<string[]> {
  if (!existsSync(pySpy)) return [];
  try {
    const { stdout } = await promisify(execFile)(pySpy, ["dump", "--pid", String(pid)], {
      timeout: 20_000,
    });
    return stdout
      .split("\n")
      .filter((line) => line.startsWith("    "))
      .map((line) => line.trim().replace(/\(.*[/]site-packages[/]/, "("));
  } catch {
    return [];
  }
}
