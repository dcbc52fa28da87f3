import type { Options } from "execa";
import { type NodeAdapter, nodeAdapter } from "../adapter.ts";
import { nodeLibrary } from "../node-library.ts";

/** SIGKILL to the group at once: the strongest that its options can ask for. */
export const execa = execaAdapter("execa", "execa, killDescendants, SIGKILL", {
  killSignal: "SIGKILL",
});

/** TERM to the group, and KILL after a grace: its defaults, with a shorter grace. */
export const execaGraceful = execaAdapter("execa-graceful", "execa, killDescendants, TERM, KILL", {
  killSignal: "SIGTERM",
  forceKillAfterDelay: 200,
});

function execaAdapter(name: string, title: string, options: Options): NodeAdapter {
  return nodeAdapter({
    name,
    title,
    ...nodeLibrary("execa"),
    run: async ([command = "", ...args], deadlineMs) => {
      const { execa } = await import("execa");
      await execa(command, args, {
        ...(deadlineMs === null ? {} : { timeout: deadlineMs }),
        killDescendants: true,
        cleanup: true,
        reject: false,
        ...options,
      });
    },
  });
}
