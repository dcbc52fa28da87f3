/** What `fixtures/object-holder.py` has made, and what of it is there. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { listSysv } from "../../../../lab/census/objects.ts";
import { until } from "../../../../test/support/processes.ts";

export interface HeldObject {
  /** Whether something proves whose it is once its maker is dead. */
  readonly isProved: boolean;
  readonly kind: "file" | "sem" | "shm" | "msg" | "queue";
  /** In `/dev/shm` or among the queues; of a System V object its number. */
  readonly name: string;
}

export function holderCommand(list: string): string[] {
  const program = fileURLToPath(new URL("../fixtures/object-holder.py", import.meta.url));
  return ["python3", program, list];
}

/** All that the holder has named, and of them those that are on the machine now. */
export function readHeld(list: string): { all: HeldObject[]; present: HeldObject[] } {
  const lines = readFileSync(list, "utf8").trim().split("\n");
  const all = lines.map((line): HeldObject => {
    const [proof, kind = "", name = ""] = line.split(" ");
    return { isProved: proof === "proved", kind: kind as HeldObject["kind"], name };
  });
  const sysv = new Set(listSysv().map(({ kind, id }) => `${kind} ${id}`));
  const queues = presentQueues(all.filter(({ kind }) => kind === "queue"));
  const isPresent = ({ kind, name }: HeldObject): boolean => {
    if (kind === "file") return existsSync(`/dev/shm/${name}`);
    return kind === "queue" ? queues.has(name) : sysv.has(`${kind} ${name}`);
  };
  return { all, present: all.filter(isPresent) };
}

/** Queues are opened by name: mostly no file system shows them. */
const withQueues = (call: string): string => `
import ctypes, os, sys
libc = ctypes.CDLL(None)
if not hasattr(libc, "mq_open"): libc = ctypes.CDLL("librt.so.1")
for name in sys.argv[1:]:
    ${call}
`;

function presentQueues(queues: readonly HeldObject[]): Set<string> {
  const names = queues.map(({ name }) => name);
  const call = 'if libc.mq_open(b"/" + name.encode(), os.O_RDONLY) >= 0: print(name)';
  const { stdout } = spawnSync("python3", ["-c", withQueues(call), ...names], { encoding: "utf8" });
  return new Set(stdout.split("\n").filter((name) => name !== ""));
}

/** Only what a list names, and nothing by a pattern. */
export function removeHeld(objects: readonly HeldObject[]): void {
  const flags = { sem: "-s", shm: "-m", msg: "-q" };
  for (const { kind, name } of objects) {
    if (kind === "file") rmSync(`/dev/shm/${name}`, { recursive: true, force: true });
    else if (kind !== "queue") spawnSync("ipcrm", [flags[kind], name]);
    else spawnSync("python3", ["-c", withQueues('libc.mq_unlink(b"/" + name.encode())'), name]);
  }
}

/** A program of somebody else with objects of its own, made while a task runs. */
export async function startBystander(list: string): Promise<AsyncDisposable> {
  const [command = "", ...args] = holderCommand(list);
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
  const exited = once(child, "exit");
  await once(createInterface({ input: child.stdout }), "line");
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      const { all } = readHeld(list);
      // Its own tracker removes locks and memory, and warns of what it does not find.
      const tracked = all.slice(0, 4).map(({ name }) => name);
      await until(() => tracked.every((name) => !existsSync(`/dev/shm/${name}`)));
      removeHeld(readHeld(list).present);
    },
  };
}
