import { setTimeout as delay } from "node:timers/promises";
import { errorMessage, openScope, type Pool } from "cofferdam";
import { readProcessStat } from "../census/index.ts";
import { killExactly, type ProcessName } from "../kill.ts";
import type * as Work from "./work.ts";

export interface StormOptions {
  /** How long it lasts, if no task fails. */
  readonly ms: number;
  readonly workers: number;
}

export interface StormResult {
  /** Workers that were sent a SIGKILL. */
  readonly kills: number;
  readonly tasks: number;
  readonly settled: number;
  readonly right: number;
  readonly wrong: number;
  /** Rejected: none should be. The first of them ends the storm. */
  readonly failed: number;
  readonly firstFailure: string | null;
  /** Processes, as the keeper counted them. */
  readonly started: number;
}

/** Tasks in flight. */
const lanes = 32;
/** Between two kills, at most. */
const lullMs = 200;

/** Runs tasks without a pause in a pool whose workers, starting or at work, are killed meanwhile. */
export async function storm({ ms, workers }: StormOptions): Promise<StormResult> {
  /** By the number of each as a task of the scope. */
  const alive = new Map<number, ProcessName>();
  const scope = await openScope({
    onEvent: (event) => {
      if (event.type === "task-ended") alive.delete(event.task);
      if (event.type !== "task-started") return;
      const stat = readProcessStat(event.pid);
      if (stat) alive.set(event.task, stat);
    },
  });
  const pool = scope.pool<typeof Work>(new URL("work.ts", import.meta.url), {
    workers,
    retries: { crash: 1000 },
  });
  const end = performance.now() + ms;
  const counts = { tasks: 0, settled: 0, right: 0, wrong: 0, failed: 0 };
  let firstFailure: string | null = null;
  let kills = 0;
  const rages = (): boolean => performance.now() < end && firstFailure === null;

  const lane = async (first: number): Promise<void> => {
    for (let index = first; rages(); index += lanes) {
      counts.tasks++;
      try {
        counts[(await squareOf(pool, index)) === index * index ? "right" : "wrong"]++;
      } catch (error) {
        counts.failed++;
        firstFailure ??= errorMessage(error);
      }
      counts.settled++;
    }
  };
  const killer = async (): Promise<void> => {
    while (rages()) {
      await delay(Math.random() * lullMs);
      const tasks = [...alive.keys()];
      const task = tasks[Math.floor(Math.random() * tasks.length)] ?? 0;
      const victim = alive.get(task);
      alive.delete(task);
      if (victim && killExactly(victim)) kills++;
    }
  };

  await Promise.all([killer(), ...Array.from({ length: lanes }, (_, first) => lane(first))]);
  await pool.close();
  const { processes } = await scope.close();
  return { kills, ...counts, firstFailure, started: processes.started.value };
}

/** One task in fifty takes 20 ms, the others microseconds. */
function squareOf(pool: Pool<typeof Work>, index: number): Promise<number> {
  return pool.run("square", index, index % 50 === 0 ? 20 : 0);
}
