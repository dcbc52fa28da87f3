/** The ways to run a command for each line of a file, so many at once. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Load {
  /** A file with a line for each input. */
  readonly inputs: string;
  readonly workers: number;
  /** The command; the input becomes its last word. */
  readonly command: readonly string[];
  /** Where a joblog may be written. */
  readonly joblog: string;
}

export interface Way {
  readonly name: string;
  /** What it needs on the PATH; skipped without. */
  readonly needs?: string;
  readonly words: (load: Load) => readonly string[];
  /** Whether it reads the inputs from its standard input. */
  readonly readsInputs: boolean;
}

const cli = fileURLToPath(new URL("../../packages/cofferdam/bin/cofferdam.js", import.meta.url));
const execaLoop = fileURLToPath(new URL("execa-loop.ts", import.meta.url));

export const ways: readonly Way[] = [
  {
    name: "cofferdam map, joblog and resume",
    readsInputs: true,
    words: ({ workers, joblog, command }) => [
      ...[process.execPath, "--conditions=cofferdam-source", cli, "map", "--progress", "none"],
      ...["-w", String(workers), "--joblog", joblog, "--resume", "--", ...command],
    ],
  },
  {
    name: "GNU parallel, joblog and resume",
    needs: "parallel",
    readsInputs: true,
    words: ({ workers, joblog, command }) => [
      ...["parallel", "--will-cite", "-j", String(workers), "--joblog", joblog, "--resume"],
      ...command,
    ],
  },
  {
    name: "xargs -P",
    needs: "xargs",
    readsInputs: true,
    words: ({ workers, command }) => ["xargs", "-P", String(workers), "-n", "1", ...command],
  },
  {
    name: "a loop of execa",
    readsInputs: false,
    words: ({ workers, inputs, command }) => [
      ...[process.execPath, execaLoop, inputs, String(workers), ...command],
    ],
  },
];

/** Starts a way over its load. */
export function start(way: Way, load: Load, env: NodeJS.ProcessEnv): ChildProcess {
  const [program = "", ...args] = way.words(load);
  const input = way.readsInputs ? openSync(load.inputs, "r") : ("ignore" as const);
  const child = spawn(program, args, { stdio: [input, "ignore", "ignore"], env });
  if (typeof input === "number") closeSync(input);
  return child;
}

/** Runs it to its end: seconds, and the most memory that its own process had, in bytes. */
export async function measure(
  way: Way,
  load: Load,
): Promise<{ seconds: number; peakBytes: number }> {
  const since = performance.now();
  const child = start(way, load, process.env);
  let peakBytes = 0;
  const look = (): void => {
    peakBytes = Math.max(peakBytes, highWater(child.pid ?? 0));
  };
  const timer = setInterval(look, 20);
  const [code] = (await once(child, "exit")) as [number | null];
  clearInterval(timer);
  if (code !== 0) throw new Error(`${way.name} ended with ${code ?? "a signal"}`);
  return { seconds: (performance.now() - since) / 1000, peakBytes };
}

function highWater(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0; // ended meanwhile
  }
}
