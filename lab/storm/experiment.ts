/**
 * Workers of a pool are killed at random for as long as asked, under load. Every task must settle
 * exactly once, with the right result, and nothing may be left.
 */
import { parseArgs } from "node:util";
import { errorMessage, openScope } from "cofferdam";
import type { Experiment } from "../experiment.ts";
import { wholeNumber } from "../options.ts";
import type * as Work from "./work.ts";

export const storm: Experiment = {
  summary: "workers of a pool are killed at random under load; each task settles once, and right",
  usage: `npm run lab storm -- [--minutes N] [--workers N] [--json]

  --minutes  how long (default 10)
  --workers  how many workers (default 4)
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: "string", default: "10" },
        workers: { type: "string", default: "4" },
        json: { type: "boolean", default: false },
      },
    });
    const end = performance.now() + wholeNumber("--minutes", values.minutes) * 60_000;
    const workers = wholeNumber("--workers", values.workers);
    const alive = new Set<number>();
    const counts = { tasks: 0, settled: 0, right: 0, wrong: 0, failed: 0, kills: 0 };
    let firstFailure: string | undefined;
    const scope = await openScope({
      onEvent: (event) => {
        if (event.type === "task-started") alive.add(event.pid);
      },
    });
    const pool = scope.pool<typeof Work>(new URL("work.ts", import.meta.url), {
      workers,
      retries: { crash: 1000 },
    });
    const one = async (index: number): Promise<void> => {
      counts.tasks++;
      try {
        const value = await pool.run("square", index, index % 50 === 0 ? 20 : 0);
        if (value === index * index) counts.right++;
        else counts.wrong++;
      } catch (error) {
        counts.failed++;
        firstFailure ??= errorMessage(error);
      }
      counts.settled++;
    };
    const lane = async (start: number): Promise<void> => {
      for (let index = start; performance.now() < end && !firstFailure; index += 32)
        await one(index);
    };
    const killer = async (): Promise<void> => {
      while (performance.now() < end && !firstFailure) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
        const pids = [...alive];
        const victim = pids[Math.floor(Math.random() * pids.length)];
        if (victim === undefined) continue;
        alive.delete(victim);
        try {
          process.kill(victim, "SIGKILL"); // started by us, and reaped by its keeper alone
          counts.kills++;
        } catch {
          // It had ended by itself.
        }
      }
    };
    await Promise.all([killer(), ...Array.from({ length: 32 }, (_, start) => lane(start))]);
    await pool.close();
    const { processes } = await scope.close();
    const held =
      counts.settled === counts.tasks && counts.right === counts.tasks && processes.left === 0;
    if (firstFailure !== undefined) console.error(`ended by the first failure: ${firstFailure}`);
    if (values.json) console.log(JSON.stringify({ ...counts, left: processes.left, held }));
    else
      console.log(
        `${counts.kills} workers killed · ${counts.tasks} tasks, ${counts.settled} settled, ${counts.right} right, ${counts.wrong} wrong, ${counts.failed} failed · ${processes.started.value} processes started, ${processes.left} left`,
      );
    return held ? 0 : 1;
  },
};
