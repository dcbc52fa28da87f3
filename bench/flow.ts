/**
 * Ten million inputs from a generator through `map`, and a million calls of `run`: memory,
 * descriptors and rate from the first tenth to the last.
 *
 *     npm run bench flow [--inputs N] [--calls N] [--json]
 */
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { openScope, type Pool } from "cofferdam";
import type * as Tasks from "./dispatch/tasks.ts";

interface Tenth {
  readonly rate: number;
  readonly residentBytes: number;
  readonly descriptors: number;
}

export async function benchFlow(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      inputs: { type: "string", default: "10000000" },
      calls: { type: "string", default: "1000000" },
      json: { type: "boolean", default: false },
    },
  });
  await using scope = await openScope();
  const pool = scope.pool<typeof Tasks>(new URL("dispatch/tasks.ts", import.meta.url), {
    workers: 2,
  });
  const map = await throughMap(pool, Number(values.inputs));
  const run = await throughRun(pool, Number(values.calls));
  const report = await scope.close();
  if (values.json) console.log(JSON.stringify({ map, run, processes: report.processes }));
  else {
    print("map", map);
    print("run, 64 in flight", run);
    console.log(
      `${report.processes.started.value} processes started, ${report.processes.left} left`,
    );
  }
}

async function throughMap(pool: Pool<typeof Tasks>, inputs: number): Promise<Tenth[]> {
  function* numbers(): Generator<never> {
    for (let input = 0; input < inputs; input++) yield input as never;
  }
  const tenths = new Tenths(inputs);
  let sum = 0;
  for await (const { index } of pool.map("noop", numbers(), { ordered: false })) {
    sum += index;
    tenths.count();
  }
  if (sum !== (inputs * (inputs - 1)) / 2) throw new Error("some input has no result, or two");
  return tenths.all;
}

async function throughRun(pool: Pool<typeof Tasks>, calls: number): Promise<Tenth[]> {
  const tenths = new Tenths(calls);
  let left = calls;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      await pool.run("noop");
      tenths.count();
    }
  };
  await Promise.all(Array.from({ length: 64 }, lane));
  return tenths.all;
}

class Tenths {
  readonly all: Tenth[] = [];
  readonly #size: number;
  #counted = 0;
  #since = performance.now();

  constructor(total: number) {
    this.#size = Math.ceil(total / 10);
  }

  count(): void {
    if (++this.#counted < this.#size) return;
    const now = performance.now();
    this.all.push({
      rate: this.#counted / ((now - this.#since) / 1000),
      residentBytes: process.memoryUsage.rss(),
      descriptors: readdirSync("/proc/self/fd").length,
    });
    this.#counted = 0;
    this.#since = now;
  }
}

function print(what: string, tenths: readonly Tenth[]): void {
  console.log(what);
  for (const [index, { rate, residentBytes, descriptors }] of tenths.entries())
    console.log(
      `  tenth ${String(index + 1).padStart(2)}  ${Math.round(rate).toLocaleString("en").padStart(9)} a second  ${(residentBytes / 1e6).toFixed(0).padStart(5)} MB  ${descriptors} descriptors`,
    );
}
