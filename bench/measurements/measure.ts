import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

export interface Measured {
  readonly seconds: number;
  /** Of the command and all below it; null where the kernel's accounting cannot be had. */
  readonly cpuSeconds: number | null;
  /** Resident memory of all processes together, shared pages counted for each, at the worst sample. */
  readonly peakBytes: number;
}

const accounting = "/sys/fs/cgroup/cpuacct";
const pageBytes = 4096;
const sampleMs = 250;
const removalMs = 10_000;

/** Runs a command to its end and measures it with all that it starts. Rejects unless it worked. */
export async function measureCommand(
  [file = "", ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Measured> {
  await using group = openGroup();
  const since = performance.now();
  // The shell enters the group before it becomes the command.
  const enter = group === null ? "" : `echo $$ > ${group.path}/cgroup.procs && `;
  const child = spawn("/bin/sh", ["-c", `${enter}exec "$@"`, "sh", file, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  let peakBytes = 0;
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(group?.processes() ?? [child.pid ?? 0]));
  }, sampleMs);
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(timer);
  const seconds = (performance.now() - since) / 1000;
  // 3: all done but the faulty files.
  if (code !== 0 && code !== 3) throw new Error(`${file}: exit code ${code ?? "none"}\n${errors}`);
  return { seconds, cpuSeconds: group?.cpuSeconds() ?? null, peakBytes };
}

interface Group extends AsyncDisposable {
  readonly path: string;
  processes(): number[];
  cpuSeconds(): number;
}

/** A cgroup of the first version, which accounts for the dead as well. Null where there is none. */
function openGroup(): Group | null {
  const path = `${accounting}/bench-${process.pid}-${Math.trunc(performance.now())}`;
  try {
    mkdirSync(path);
    writeFileSync(`${path}/notify_on_release`, "0");
  } catch {
    return null;
  }
  return {
    path,
    processes: () =>
      readFileSync(`${path}/cgroup.procs`, "utf8").trim().split("\n").filter(Boolean).map(Number),
    cpuSeconds: () => Number(readFileSync(`${path}/cpuacct.usage`, "utf8")) / 1e9,
    [Symbol.asyncDispose]: () => removeGroup(path),
  };
}

/** Python's tracker of resources outlives the command that it belongs to by some milliseconds. */
async function removeGroup(path: string): Promise<void> {
  const deadline = performance.now() + removalMs;
  for (;;) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EBUSY" || performance.now() > deadline)
        throw error;
      await setTimeout(20);
    }
  }
}

function residentBytes(pids: readonly number[]): number {
  let pages = 0;
  for (const pid of pids) {
    try {
      pages += Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return pages * pageBytes;
}
