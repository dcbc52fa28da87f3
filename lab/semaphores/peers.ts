import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { childProcess as childProcessAdapter } from "../survivors/adapters/child-process.ts";
import { subprocess as subprocessAdapter } from "../survivors/adapters/python.ts";
import { nodeLibrary } from "../survivors/node-library.ts";
import { findPython } from "../survivors/python.ts";
import { type Means, nodeMeans } from "./means.ts";
import { GRACE_MS } from "./situations.ts";

/** `execFile` with its `timeout`; for a group, the recipe with `detached` and a negative pid. */
export const childProcess = nodeMeans({
  name: "child_process",
  title: "child_process",
  contained: false,
  version: childProcessAdapter.version,
  available: () => Promise.resolve(null),
  run: async (situation, [command = "", ...args], deadlineMs) => {
    if (situation === "root" || situation === "supervisor") {
      const options = { timeout: deadlineMs ?? 0, killSignal: "SIGKILL" } as const;
      await new Promise<void>((resolve) => {
        execFile(command, args, options, () => resolve());
      });
      return undefined;
    }
    const child = spawn(command, args, { stdio: "ignore", detached: true });
    const exited = once(child, "exit");
    const killGroup = (signal: NodeJS.Signals): void => {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    };
    const timers = [
      setTimeout(
        () => killGroup(situation === "group-kill" ? "SIGKILL" : "SIGTERM"),
        deadlineMs ?? 0,
      ),
    ];
    if (situation === "group-term") {
      timers.push(setTimeout(() => killGroup("SIGKILL"), (deadlineMs ?? 0) + GRACE_MS));
    }
    await exited;
    for (const timer of timers) clearTimeout(timer);
    return undefined;
  },
});

/** Its options for each of the ends. */
export const execa = nodeMeans({
  name: "execa",
  title: "execa",
  contained: false,
  ...nodeLibrary("execa"),
  run: async (situation, [command = "", ...args], deadlineMs) => {
    const { execa: run } = await import("execa");
    await run(command, args, {
      ...(deadlineMs === null ? {} : { timeout: deadlineMs }),
      killDescendants: situation === "group-kill" || situation === "group-term",
      killSignal: situation === "group-term" ? "SIGTERM" : "SIGKILL",
      forceKillAfterDelay: GRACE_MS,
      reject: false,
    });
    return undefined;
  },
});

/** `subprocess.run` with its `timeout`; for a group, the recipe with a session and `killpg`. */
export const subprocess: Means = {
  name: "subprocess",
  title: "subprocess",
  contained: false,
  version: subprocessAdapter.version,
  available: subprocessAdapter.available,
  supervisor: (situation, tool, deadlineMs) => [
    findPython() ?? "python3",
    fileURLToPath(new URL("programs/supervise.py", import.meta.url)),
    situation,
    deadlineMs === null ? "never" : String(deadlineMs),
    ...tool,
  ],
};
