// The runtime that is killed: a scope, and in it two lanes in which one hostile task follows another.
//
//   node runtime.ts HOLDER READY-FOLDER [PYTHON LOCKS.PY]
//
// It is told on its input what to do (`run`, `again`, `stop`, `close`), and tells on its output what
// happens: a word, and JSON. The end of its input means `close`.
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openScope, type RunningCommand, type Scope } from "cofferdam";

const [holder = "", ready = "", ...locks] = process.argv.slice(2);

const LANES = 2;
const GRACE_MS = 40;

function say(word: string, about: unknown): void {
  process.stdout.write(`${word} ${JSON.stringify(about)}\n`);
}

const scope = await openScope();
const isPrivate = scope.containment.ipc === "task";
const running = new Map<number, RunningCommand>();
let next = 1;
let isClosing = (): boolean => false;
say("open", { tree: scope.containment.tree });

/** Every other one ignores TERM. Without an IPC namespace one in four is a Python tool with locks. */
function taskFor(number: number): string[] {
  if (locks.length > 0 && !isPrivate && number % 4 === 0) return locks;
  return [holder, ...(number % 2 === 0 ? ["stubborn"] : []), ...(isPrivate ? ["ipc"] : [])];
}

async function lane(scope: Scope): Promise<void> {
  while (!isClosing()) {
    const number = next++;
    try {
      const { outcome, processes } = await scope.exec(taskFor(number), {
        grace: GRACE_MS,
        reject: false,
        env: { KILLS_READY: join(ready, String(number)) },
        onStart: (command) => {
          running.set(number, command);
          say("started", { number });
        },
      });
      say("ended", { number, outcome, left: processes.left });
    } catch (error) {
      // A scope that closes refuses the next task, which is as it should be.
      if (isClosing()) return;
      say("failed", { message: error instanceof Error ? error.message : String(error) });
      return;
    } finally {
      running.delete(number);
    }
  }
}

function oldest(): RunningCommand | undefined {
  return running.values().next().value;
}

const orders: Readonly<Record<string, () => unknown>> = {
  run: () => Promise.all(Array.from({ length: LANES }, () => lane(scope))),
  again: () => oldest()?.stop(0),
  stop: () => running.forEach((command) => command.stop(GRACE_MS)),
  close,
};

async function close(): Promise<void> {
  if (isClosing()) return;
  isClosing = () => true;
  lines.close();
  const { processes, keepersLost } = await scope.close();
  say("closed", { ...processes, keepersLost });
  // The other end stays open, and would keep us.
  process.stdin.destroy();
}

const lines = createInterface({ input: process.stdin })
  .on("line", (order) => void orders[order]?.())
  .on("close", () => void close());
