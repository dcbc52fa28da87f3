import { readFileSync, readdirSync, readlinkSync } from "node:fs";

/** The variable a test sets on the command it launches; its value names the run. */
export const COOKIE_VARIABLE = "COFFERDAM_CENSUS";

/** A process as the host's `/proc` shows it. `null` stands for "could not be read". */
export interface ProcessEntry {
  readonly pid: number;
  /** Clock ticks since boot (field 22 of `stat`). A pid comes back; a pid with its start does not. */
  readonly starttime: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly comm: string;
  /** One letter as in `ps`: `R`, `S`, `D`, `T`, `Z`, … */
  readonly state: string;
  /** Dead, and not yet waited for by its parent. */
  readonly zombie: boolean;
  readonly kernelThread: boolean;
  readonly uid: number | null;
  readonly cmdline: readonly string[];
  readonly exe: string | null;
  /** The PID namespace it lives in: `pid:[4026531836]`. */
  readonly pidns: string | null;
  /** Its pid inside that namespace; 1 is an init. */
  readonly innerPid: number | null;
  /** What its environment says about the run; `null` also where the environment is unreadable. */
  readonly cookie: string | null;
  readonly environReadable: boolean;
}

/** The part of a process that one read of `stat` gives. */
export interface ProcessStat {
  readonly pid: number;
  readonly starttime: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly comm: string;
  readonly state: string;
  readonly zombie: boolean;
  readonly kernelThread: boolean;
}

/** Pid and start time: the only name under which a process is remembered. */
export function processKey(process: { readonly pid: number; readonly starttime: number }): string {
  return `${process.pid}:${process.starttime}`;
}

// include/linux/sched.h: PF_KTHREAD.
const KERNEL_THREAD_FLAG = 0x00200000;

/** One process's `stat`, or `undefined` when there is no such process (any more). */
export function readProcessStat(pid: number): ProcessStat | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text === null ? undefined : parseProcessStat(text);
}

/**
 * `comm` may hold blanks and brackets, so the fields are counted from the last bracket on (proc(5)).
 */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < 0) return undefined;
  const fields = text
    .slice(close + 2)
    .trim()
    .split(" ");
  const number = (field: number): number => Number(fields[field - 3]);
  const state = fields[0] ?? "?";
  const dead = state === "Z" || state === "X";
  return {
    pid: Number(text.slice(0, open).trim()),
    comm: text.slice(open + 1, close),
    state,
    ppid: number(4),
    pgid: number(5),
    sid: number(6),
    // A main thread that has ended shows Z while other threads of the process go on.
    zombie: dead && number(20) <= 1,
    kernelThread: (number(9) & KERNEL_THREAD_FLAG) !== 0,
    starttime: number(22),
  };
}

/**
 * Everything of one process. The start time is read before and after: where the pid changed hands
 * in between, nothing is returned rather than a mixture of two processes.
 */
export function readProcess(pid: number): ProcessEntry | undefined {
  const first = readProcessStat(pid);
  if (first === undefined) return undefined;
  const status = readText(`/proc/${pid}/status`);
  const cmdline = readText(`/proc/${pid}/cmdline`);
  const exe = readLink(`/proc/${pid}/exe`);
  const pidns = readLink(`/proc/${pid}/ns/pid`);
  const environ = first.kernelThread ? null : readText(`/proc/${pid}/environ`);
  const last = readProcessStat(pid);
  if (last?.starttime !== first.starttime) return undefined;
  return {
    ...last,
    uid: statusNumber(status, /^Uid:\t(\d+)/m),
    innerPid: statusNumber(status, /^NSpid:.*?(\d+)$/m),
    cmdline: cmdline === null ? [] : splitNul(cmdline),
    exe,
    pidns,
    cookie: cookieOf(environ),
    environReadable: environ !== null,
  };
}

/** Our own pid as `/proc` counts, which may be that of a PID namespace above ours. */
export function ownPid(): number {
  const seenAs = Number(readLink("/proc/self"));
  return seenAs > 0 ? seenAs : process.pid;
}

/** The pids `/proc` lists at this moment. Threads are not listed. */
export function listPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** All processes. One that vanishes while it is read is left out: it is gone. */
export function readProcesses(): ProcessEntry[] {
  return listPids()
    .map(readProcess)
    .filter((entry) => entry !== undefined);
}

/** How many descriptors a process holds; `null` when it is gone or may not be looked at. */
export function openDescriptors(pid: number): number | null {
  try {
    const count = readdirSync(`/proc/${pid}/fd`).length;
    // Our own listing holds one more descriptor, for as long as it takes.
    return pid === ownPid() ? count - 1 : count;
  } catch {
    return null;
  }
}

/**
 * `null` for a file that cannot be read: the process ended (ENOENT, ESRCH), it belongs to somebody
 * else (EACCES, EPERM), or the kernel has nothing to show (EIO, EINVAL).
 */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

export function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function splitNul(text: string): string[] {
  const parts = text.split("\0");
  if (parts.at(-1) === "") parts.pop();
  return parts;
}

function cookieOf(environ: string | null): string | null {
  if (environ === null) return null;
  const prefix = `${COOKIE_VARIABLE}=`;
  const found = environ.split("\0").find((entry) => entry.startsWith(prefix));
  return found === undefined ? null : found.slice(prefix.length);
}

function statusNumber(status: string | null, pattern: RegExp): number | null {
  const found = status === null ? null : pattern.exec(status);
  return found?.[1] === undefined ? null : Number(found[1]);
}
