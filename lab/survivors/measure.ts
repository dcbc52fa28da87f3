import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openCensus, type ProcessEntry, runFolder } from "../census/index.ts";
import { HOSTILE_COUNT, HOSTILE_TASK, hostileKind } from "../hostile/index.ts";
import type { Adapter } from "./adapter.ts";
import { cleanUp, isResourceTracker } from "./clean-up.ts";

/**
 * `deadline`: the peer's own timeout ends the task, and the peer says that everything is closed.
 * `killed`: the peer's process is killed by SIGKILL while the task runs.
 */
export type Column = "deadline" | "killed";

export interface MeasureOptions {
  /** The peer's timeout for the task, from its start. */
  readonly deadlineMs: number;
  /** How long after the end of the peer its survivors are given to vanish. */
  readonly settleMs: number;
}

export interface Measurement {
  readonly adapter: string;
  readonly column: Column;
  /** How many of the descendants were seen running before the end; fewer than 4 proves nothing. */
  readonly seen: number;
  /** The processes the census found, by name: a kind of descendant, or the program it runs. */
  readonly survivors: readonly string[];
  /** Whatever else was left: shared memory, semaphores, cgroups, folders. */
  readonly otherThings: number;
  /** Milliseconds from the end of the peer until nothing was left; `null` if that never was. */
  readonly emptyAfterMs: number | null;
  /** What was still there after the experiment had ended what it started. Must be 0. */
  readonly leftByExperiment: number;
  /** What the peer's process wrote to stderr. */
  readonly stderr: string;
}

/** For all four descendants to appear. */
const START_DEADLINE_MS = 20_000;

/** One run of the hostile task under one peer, counted by the census. */
export async function measure(
  adapter: Adapter,
  column: Column,
  { deadlineMs, settleMs }: MeasureOptions,
): Promise<Measurement> {
  // A folder of its own tells this run's scratch from that of every other run on the machine.
  const temporary = mkdtempSync(join(tmpdir(), "lab-"));
  try {
    const census = openCensus({ scratch: [temporary, runFolder(temporary)] });
    const limit = column === "deadline" ? deadlineMs : null;
    const [command = "", ...args] = adapter.supervisor(HOSTILE_TASK, limit);
    const peer = spawn(command, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, TMPDIR: temporary, ...census.env },
    });
    let stderr = "";
    peer.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = once(peer, "exit");
    let running = true;
    peer.once("exit", () => (running = false));

    const kinds = new Set<string>();
    const startDeadline = performance.now() + START_DEADLINE_MS;
    while (kinds.size < HOSTILE_COUNT && isStill(running) && performance.now() < startDeadline) {
      for (const { process: entry } of census.observe()) {
        const kind = hostileKind(entry.cmdline);
        if (kind !== undefined) kinds.add(kind);
      }
      await delay(2);
    }
    if (column === "killed" || kinds.size < HOSTILE_COUNT) peer.kill("SIGKILL");
    await ended;

    const report = await census.waitUntilEmpty(settleMs);
    const survivors = report.left.processes.map(({ process: entry }) => nameOf(entry));
    const leftByExperiment = await cleanUp(census, report);
    peer.stderr.destroy();
    return {
      adapter: adapter.name,
      column,
      seen: kinds.size,
      survivors,
      otherThings: report.count - report.left.processes.length,
      emptyAfterMs: report.emptyAfterMs,
      leftByExperiment,
      stderr,
    };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function nameOf(entry: ProcessEntry): string {
  const { cmdline, comm } = entry;
  if (HOSTILE_TASK.every((word, at) => cmdline[at] === word)) return "the task itself";
  const kind = hostileKind(cmdline);
  if (kind !== undefined) return kind;
  if (isResourceTracker(entry)) return "resource tracker";
  const program = basename(cmdline[0] ?? "");
  return program === "" ? comm : `${program} process`;
}

/** Keeps the compiler from taking a variable for constant that an event handler changes. */
function isStill(running: boolean): boolean {
  return running;
}
