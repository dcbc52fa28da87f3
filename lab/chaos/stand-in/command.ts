// A stand-in for a contained command, for the tests of the harness: it fills a folder with files
// through a "keeper", an "init" and a worker that are what they are called, and no more.
//
//   node command.ts OUT [careless|stuck]
//
// It resumes, it writes under a temporary name and renames, and its worker ends when the command
// does. `careless` writes in place, and starts a daemon that nobody ends; `stuck` is as careless, and
// waits in the middle of the first file until it is killed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [out = "", mode = "careful"] = process.argv.slice(2);
mkdirSync(out, { recursive: true });

if (mode !== "careful") {
  spawn("sleep", ["600"], { detached: true, stdio: "ignore" }).unref();
}
const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
// The worker holds the other end of this pipe as its stdin: it ends when we do.
const keeper = spawn(
  program("cofferdam-keeper"),
  [process.execPath, program("worker.ts"), out, mode],
  {
    stdio: ["pipe", "ignore", "inherit"],
  },
);
const [code] = (await once(keeper, "exit")) as [number | null];
process.exitCode = code ?? 1;
