import type { Contestant, OpenPool, TaskName } from "./contestants.ts";

/** Independent calls with so many in flight. Tasks a second. */
export async function rate(
  pool: OpenPool,
  name: TaskName,
  value: unknown,
  tasks: number,
  inFlight: number,
): Promise<number> {
  let left = tasks;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await pool.run(name, value);
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  return tasks / ((performance.now() - began) / 1000);
}

export async function mapRate(pool: OpenPool, tasks: number): Promise<number> {
  if (!pool.map) return NaN;
  function* inputs(): Generator<number> {
    for (let input = 0; input < tasks; input++) yield input;
  }
  let results = 0;
  const began = performance.now();
  for await (const result of pool.map("noop", inputs())) if (result !== undefined) results++;
  if (results !== tasks) throw new Error(`${results} results for ${tasks} inputs`);
  return tasks / ((performance.now() - began) / 1000);
}

/** So long each contestant works before it is measured: code that runs hot is compiled by then. */
export const warmUpMs = 1500;

/** Opens a pool, warms it up, measures, closes it. */
export async function withPool<Value>(
  contestant: Contestant,
  measure: (pool: OpenPool) => Promise<Value>,
): Promise<Value> {
  const pool = await contestant.open();
  try {
    const end = performance.now() + warmUpMs;
    while (performance.now() < end) await rate(pool, "noop", 0, 3000, 64);
    return await measure(pool);
  } finally {
    await pool.close();
  }
}

/**
 * One task in a hundred takes a second, the others a millisecond, in a mixed order. Time taken, as
 * a multiple of what two workers need at least that take the tasks in this order as they get free.
 */
export async function unevenMakespan(pool: OpenPool, tasks: number): Promise<number> {
  const times = Array.from({ length: tasks }, (_, index) => (index % 100 === 57 ? 1000 : 1));
  const began = performance.now();
  const took = await Promise.all(times.map((ms) => pool.run("take", ms) as Promise<number>));
  const makespan = performance.now() - began;
  const free = [0, 0];
  for (const ms of took) {
    const first = free[0]! <= free[1]! ? 0 : 1; // eslint-disable-line @typescript-eslint/no-non-null-assertion
    free[first] = (free[first] ?? 0) + ms;
  }
  return makespan / Math.max(...free);
}
