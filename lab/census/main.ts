import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { RootProcess } from "./attribution.ts";
import { type EmptinessReport, openCensus } from "./census.ts";
import { formatComparison } from "./format.ts";
import { runFolder, type Snapshot, takeSnapshot } from "./snapshot.ts";

const USAGE = `census: counts what a run leaves on this machine

  node lab/census/main.ts snapshot [--scratch DIR]… [--out FILE]
      everything a run could leave, as of now, as JSON
  node lab/census/main.ts compare BEFORE.json [--cookie X] [--root PID[:START]]… [--marker PATH]…
                                  [--within MS] [--json]
      what is new since; waits up to MS for it to vanish
  node lab/census/main.ts run [--scratch DIR]… [--marker PATH]… [--within MS] [--json] -- COMMAND…
      snapshot, the command with a cookie in its environment, and the comparison after its end

The folder of Cofferdam's own runs is watched always, and each --scratch besides.
Exit status: 0 nothing is left, 1 something is, 2 wrong usage.
`;

class UsageError extends Error {}

const { values, positionals } = readArguments();
process.exitCode = await main(positionals);

async function main([action, ...operands]: string[]): Promise<number> {
  try {
    if (action === "snapshot") return snapshot();
    if (action === "compare") return report(await compare(operands[0]));
    if (action === "run") return report(await run(operands));
    throw new UsageError(action === undefined ? "an action is needed" : `no action ${action}`);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`census: ${error.message}\n\n${USAGE}`);
    return 2;
  }
}

function snapshot(): number {
  const text = `${JSON.stringify(takeSnapshot(scratchFolders()), null, 1)}\n`;
  if (values.out === undefined) process.stdout.write(text);
  else writeFileSync(values.out, text);
  return 0;
}

async function compare(file: string | undefined): Promise<EmptinessReport> {
  if (file === undefined) throw new UsageError("compare needs the file of a snapshot");
  const before = JSON.parse(readFileSync(file, "utf8")) as Snapshot;
  if ((before as { format?: unknown }).format !== 1) {
    throw new UsageError(`${file} is no snapshot of this census`);
  }
  const census = openCensus({
    before,
    cookie: values.cookie,
    roots: values.root?.map(parseRoot),
    markers: values.marker,
  });
  return census.waitUntilEmpty(withinMs());
}

async function run([command, ...args]: string[]): Promise<EmptinessReport> {
  if (command === undefined) throw new UsageError("run needs a command");
  const census = openCensus({
    cookie: values.cookie,
    scratch: scratchFolders(),
    markers: values.marker,
  });
  const child = spawn(command, args, {
    stdio: "inherit",
    env: { ...process.env, ...census.env },
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => resolve());
  });
  const watch = child.pid === undefined ? undefined : census.watch(child.pid);
  await ended;
  watch?.stop();
  return await census.waitUntilEmpty(withinMs());
}

function report(found: EmptinessReport): number {
  const text = values.json ? JSON.stringify(found, null, 1) : formatComparison(found);
  const when =
    values.json || found.emptyAfterMs === null ? "" : `\nempty after ${found.emptyAfterMs} ms`;
  process.stdout.write(`${text}${when}\n`);
  return found.count === 0 ? 0 : 1;
}

function scratchFolders(): string[] {
  return [runFolder(), ...(values.scratch ?? [])];
}

function withinMs(): number {
  const value = Number(values.within ?? 0);
  if (!Number.isFinite(value) || value < 0) throw new UsageError("--within takes milliseconds");
  return value;
}

function parseRoot(text: string): RootProcess {
  const [pid, starttime] = text.split(":").map(Number);
  if (pid === undefined || !Number.isSafeInteger(pid)) {
    throw new UsageError(`--root takes PID or PID:START, not ${text}`);
  }
  return starttime === undefined ? { pid } : { pid, starttime };
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        scratch: { type: "string", multiple: true },
        out: { type: "string" },
        cookie: { type: "string" },
        root: { type: "string", multiple: true },
        marker: { type: "string", multiple: true },
        within: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`census: ${error instanceof Error ? error.message : ""}\n\n${USAGE}`);
    process.exit(2);
  }
}
