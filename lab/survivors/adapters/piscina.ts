import { nodeAdapter } from "../adapter.ts";
import { nodeLibrary } from "../node-library.ts";
import { abortAfter, ignoreAbort } from "./abort.ts";
import { poolTask, warmUp } from "./pool-task.ts";

/** Its workers are threads. Aborting a task is its way to end one; it ends the thread. */
export const piscina = nodeAdapter({
  name: "piscina",
  title: "piscina",
  ...nodeLibrary("piscina"),
  run: async (task, deadlineMs) => {
    const { Piscina } = await import("piscina");
    const pool = new Piscina({ filename: poolTask.href, minThreads: 1, maxThreads: 1 });
    await pool.run(warmUp);
    await pool.run(task, { signal: abortAfter(deadlineMs) }).catch(ignoreAbort);
    await pool.destroy();
  },
});
