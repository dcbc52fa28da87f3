import { fileURLToPath } from "node:url";
import { openScope } from "cofferdam";
import { FixedQueue, Piscina } from "piscina";
import { Tinypool } from "tinypool";
import workerpool from "workerpool";
import type * as Tasks from "./tasks.ts";

export type TaskName = "noop" | "echo" | "take";

/** An open pool of two workers. */
export interface OpenPool {
  run(name: TaskName, value: unknown): Promise<unknown>;
  /** Where the pool has a way of its own to run a function over many inputs. */
  map?(name: TaskName, values: Iterable<unknown>): AsyncIterable<unknown>;
  close(): Promise<unknown>;
}

export interface Contestant {
  readonly name: string;
  readonly kind: "processes" | "threads";
  open(): Promise<OpenPool>;
}

const workers = 2;
const inFlightPerWorker = 32;

function file(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

async function openCofferdam(): Promise<OpenPool> {
  const scope = await openScope();
  const pool = scope.pool<typeof Tasks>(new URL("tasks.ts", import.meta.url), { workers });
  const run = pool.run.bind(pool) as (name: TaskName, value: unknown) => Promise<unknown>;
  const map = pool.map.bind(pool) as unknown as (
    name: TaskName,
    values: Iterable<unknown>,
    options: { ordered: boolean },
  ) => AsyncIterable<unknown>;
  return {
    run,
    map: (name, values) => map(name, values, { ordered: false }),
    close: () => scope.close(),
  };
}

function openTinypool(): Promise<OpenPool> {
  const pool = new Tinypool({
    filename: file("tasks-tinypool.ts"),
    runtime: "child_process",
    serialization: "advanced",
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker: inFlightPerWorker,
  });
  return Promise.resolve({
    run: (name, value) => pool.run({ name, value }) as Promise<unknown>,
    close: () => pool.destroy(),
  });
}

function openWorkerpool(): Promise<OpenPool> {
  const pool = workerpool.pool(file("tasks-workerpool.ts"), {
    workerType: "process",
    minWorkers: workers,
    maxWorkers: workers,
    forkOpts: { serialization: "advanced" },
  });
  return Promise.resolve({
    // Its promise is one of its own kind.
    run: async (name, value) => (await pool.exec(name, [value])) as unknown,
    close: async () => pool.terminate(),
  });
}

/** As its documentation has it for many short tasks: several at once, and the faster queue. */
function openPiscina(): Promise<OpenPool> {
  const pool = new Piscina({
    filename: file("tasks-tinypool.ts"),
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker: inFlightPerWorker,
    taskQueue: new FixedQueue(),
  });
  return Promise.resolve({
    run: (name, value) => pool.run({ name, value }) as Promise<unknown>,
    close: () => pool.destroy(),
  });
}

export const cofferdam: Contestant = { name: "cofferdam", kind: "processes", open: openCofferdam };

export const peers: readonly Contestant[] = [
  { name: "tinypool (child_process)", kind: "processes", open: openTinypool },
  { name: "workerpool (process)", kind: "processes", open: openWorkerpool },
  { name: "piscina (threads)", kind: "threads", open: openPiscina },
];
