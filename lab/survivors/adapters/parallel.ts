import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Adapter } from "../adapter.ts";

/** The only one of the peers that goes after the descendants of a job by itself. */
export const parallel: Adapter = {
  name: "parallel",
  title: "GNU parallel, --timeout --termseq",
  available: async () =>
    (await readVersion()) === null
      ? "GNU parallel is not installed: apt-get install parallel"
      : null,
  version: async () => (await readVersion()) ?? "unknown",
  // -N0: the one argument only makes one job, and is not given to the command.
  supervisor: (task, deadlineMs) => [
    "parallel",
    "--will-cite",
    "--quote",
    "-N0",
    ...(deadlineMs === null ? [] : ["--timeout", String(deadlineMs / 1000)]),
    "--termseq",
    "TERM,200,KILL,25",
    ...task,
    ":::",
    "once",
  ],
};

/** Another program has the same name (in moreutils); it knows no `--version`. */
async function readVersion(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)("parallel", ["--version"]);
    return /^GNU parallel (\S+)/.exec(stdout)?.[1] ?? null;
  } catch {
    return null;
  }
}
