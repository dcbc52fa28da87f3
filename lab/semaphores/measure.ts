import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openCensus, runFolder } from "../census/index.ts";
import { cleanUp } from "../survivors/clean-up.ts";
import { findPython } from "../survivors/python.ts";
import type { Means } from "./means.ts";
import {
  countWarned,
  findLeft,
  isTold,
  readToolObjects,
  removeObjects,
  type ToolObject,
} from "./objects.ts";
import { type Situation, SITUATIONS } from "./situations.ts";

export interface MeasureOptions {
  /** The deadline of the tool, from its start. Doubled, thrice at most, if it was not ready. */
  readonly deadlineMs: number;
  /** How long after the end of the supervisor what is left is given to vanish. */
  readonly settleMs: number;
}

export interface Counts {
  readonly sharedMemory: number;
  readonly sysv: number;
  readonly queues: number;
}

export interface Measurement {
  /** What the tool had made before its end; `null` when it never came so far. */
  readonly made: Counts | null;
  /** Of what the tool had made, what the census found afterwards. */
  readonly left: Counts;
  /** How many of those the supervisor has told of in a report; `null` where it made none. */
  readonly told: number | null;
  /** Processes that were still running then. */
  readonly processes: number;
  /** How many objects Python's resource tracker warned of. */
  readonly warned: number;
  /** What was still there after the experiment had cleaned up. Must be 0. */
  readonly leftByExperiment: number;
  /** What the supervisor wrote to stderr. */
  readonly stderr: string;
}

const START_DEADLINE_MS = 20_000;

/** One run of the tool to one end; again with a longer deadline if it came before the tool was ready. */
export async function measure(
  means: Means,
  situation: Situation,
  { deadlineMs, settleMs }: MeasureOptions,
): Promise<Measurement> {
  for (let attempt = 0; ; attempt++) {
    const found = await measureOnce(means, situation, deadlineMs * 2 ** attempt, settleMs);
    if (found.made !== null || attempt === 3) return found;
  }
}

async function measureOnce(
  means: Means,
  situation: Situation,
  deadlineMs: number,
  settleMs: number,
): Promise<Measurement> {
  const temporary = mkdtempSync(join(tmpdir(), "lab-"));
  const folder = join(temporary, "tool");
  const told = join(temporary, "told");
  mkdirSync(folder);
  try {
    const census = openCensus({ scratch: [temporary, runFolder(temporary)] });
    const limit = situation === "supervisor" ? null : deadlineMs;
    const tool = toolCommand(folder, situation);
    const [command = "", ...args] = means.supervisor(situation, tool, limit);
    const supervisor = spawn(command, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, TMPDIR: temporary, LAB_TOLD: told, ...means.env, ...census.env },
    });
    let stderr = "";
    supervisor.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = once(supervisor, "exit");
    if (situation === "supervisor") {
      await waitUntilReady(folder, ended);
      supervisor.kill("SIGKILL");
    }
    await ended;

    // When no process of the run is left, nobody is there to remove anything any more.
    const report = await census.waitUntilEmpty(settleMs, { what: "processes" });
    const { made, ready } = readToolObjects(folder);
    const left = findLeft(made, report);
    const names = readTold(told);
    const warned = countWarned(folder);

    const stillThere = (): ToolObject[] => findLeft(readToolObjects(folder).made, census.compare());
    const processes = await cleanUp(census, report, () => removeObjects(stillThere()));
    const objects = stillThere();
    supervisor.stderr.destroy();
    return {
      made: ready ? count(made) : null,
      left: count(left),
      told: names && left.filter((object) => isTold(object, names)).length,
      processes: report.left.processes.length,
      warned,
      leftByExperiment: processes + objects.length,
      stderr,
    };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function toolCommand(folder: string, situation: Situation): string[] {
  const program = fileURLToPath(new URL("programs/tool.py", import.meta.url));
  const options = SITUATIONS[situation].ignoresTerm ? ["ignore-term"] : [];
  return [findPython() ?? "python3", program, folder, ...options];
}

async function waitUntilReady(folder: string, ended: Promise<unknown>): Promise<void> {
  let running = true;
  // By a function: the compiler takes a variable for constant that only a handler changes.
  const isRunning = (): boolean => running;
  void ended.then(() => (running = false));
  const start = performance.now();
  while (!readToolObjects(folder).ready && isRunning()) {
    if (performance.now() - start > START_DEADLINE_MS) return;
    await delay(10);
  }
}

function count(objects: readonly ToolObject[]): Counts {
  const queues = objects.filter(({ kind }) => kind === "queue").length;
  const sharedMemory = objects.filter(({ kind }) => kind === "file").length;
  return { sharedMemory, sysv: objects.length - sharedMemory - queues, queues };
}

/** What a supervisor that was not killed, and that reports, has named as left. */
function readTold(file: string): string[] | null {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as string[]) : null;
}
