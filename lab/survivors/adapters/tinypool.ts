import { nodeAdapter } from "../adapter.ts";
import { nodeLibrary } from "../node-library.ts";
import { abortAfter, ignoreAbort } from "./abort.ts";
import { poolTask, warmUp } from "./pool-task.ts";

/** With workers that are processes. Aborting a task is its way to end one; it ends the worker. */
export const tinypool = nodeAdapter({
  name: "tinypool",
  title: "tinypool, child_process",
  ...nodeLibrary("tinypool"),
  run: async (task, deadlineMs) => {
    const { Tinypool } = await import("tinypool");
    const pool = new Tinypool({
      runtime: "child_process",
      filename: poolTask.href,
      // Its workers have no environment by default: no PATH, and no cookie of the census.
      env: { ...process.env } as Record<string, string>,
      minThreads: 1,
      maxThreads: 1,
    });
    await pool.run(warmUp);
    await pool.run(task, { signal: abortAfter(deadlineMs) }).catch(ignoreAbort);
    await pool.destroy();
  },
});
