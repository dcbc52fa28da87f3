import { fileURLToPath } from "node:url";
import { nodeAdapter } from "../adapter.ts";
import { nodeLibrary } from "../node-library.ts";
import { warmUp } from "./pool-task.ts";

/** With workers that are processes, and the timeout that a call can be given. */
export const workerpool = nodeAdapter({
  name: "workerpool",
  title: "workerpool, process",
  ...nodeLibrary("workerpool"),
  run: async (task, deadlineMs) => {
    const { default: library } = await import("workerpool");
    const script = fileURLToPath(new URL("workerpool-worker.ts", import.meta.url));
    const pool = library.pool(script, { workerType: "process", maxWorkers: 1 });
    await pool.exec("runCommand", [warmUp]);
    const call = pool.exec("runCommand", [task]);
    try {
      await (deadlineMs === null ? call : call.timeout(deadlineMs));
    } catch (error) {
      if (!(error instanceof library.Promise.TimeoutError)) throw error;
    }
    await pool.terminate(true);
  },
});
