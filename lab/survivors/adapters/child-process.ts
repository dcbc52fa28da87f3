import { execFile } from "node:child_process";
import { nodeAdapter } from "../adapter.ts";

/** Node's own `execFile` with its `timeout`, and the strongest signal it can be given. */
export const childProcess = nodeAdapter({
  name: "child_process",
  title: "child_process, SIGKILL",
  available: () => Promise.resolve(null),
  version: () => Promise.resolve(`Node ${process.versions.node}`),
  run: ([command = "", ...args], deadlineMs) =>
    new Promise((resolve) => {
      execFile(command, args, { timeout: deadlineMs ?? 0, killSignal: "SIGKILL" }, () => resolve());
    }),
});
