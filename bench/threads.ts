/**
 * Matrix work by numpy in four Python workers on the CPUs of this machine: as libraries do it by
 * themselves, with the threads set by hand (each sensible number), and as a scope's budget does it.
 *
 *     npm run bench threads [--rounds N] [--tasks N] [--json]
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openScope, type PoolOptions, type ScopeOptions } from "cofferdam";
import { median } from "./statistics.ts";

interface Matrix {
  multiply(size: number): Promise<number>;
  threads(): Promise<number>;
}

interface Setting {
  readonly name: string;
  readonly scope: ScopeOptions;
  readonly pool: PoolOptions;
}

const many = String(64);

function byHand(threads: number): Setting {
  const env = { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) };
  return { name: `${threads} by hand`, scope: {}, pool: { env } };
}

export async function benchThreads(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "5" },
      tasks: { type: "string", default: "24" },
      json: { type: "boolean", default: false },
    },
  });
  if (spawnSync("python3", ["-c", "import numpy"]).status !== 0) {
    console.error("skipped, because python3 has no numpy (pip install numpy)");
    return;
  }
  const uncapped = { OMP_NUM_THREADS: undefined, OPENBLAS_NUM_THREADS: undefined };
  const settings: readonly Setting[] = [
    { name: "libraries by themselves", scope: {}, pool: { env: uncapped } },
    {
      name: "64 by hand",
      scope: {},
      pool: { env: { OPENBLAS_NUM_THREADS: many, OMP_NUM_THREADS: many } },
    },
    byHand(2),
    byHand(1),
    { name: "budget", scope: { budget: {} }, pool: {} },
  ];
  const seconds: Record<string, number[]> = {};
  const threads: Record<string, number> = {};
  for (let round = 0; round < Number(values.rounds); round++)
    for (const setting of settings) {
      const measured = await measure(setting, Number(values.tasks));
      (seconds[setting.name] ??= []).push(measured.seconds);
      threads[setting.name] = Math.max(threads[setting.name] ?? 0, measured.threads);
    }
  const medians = Object.fromEntries(
    Object.entries(seconds).map(([name, all]) => [name, median(all)]),
  );
  const best = Math.min(...["2 by hand", "1 by hand"].map((name) => medians[name] ?? Infinity));
  const share = best / (medians["budget"] ?? NaN);
  if (values.json) {
    console.log(JSON.stringify({ medians, threads, budgetOfBest: share, seconds }));
    return;
  }
  for (const [name, value] of Object.entries(medians))
    console.log(
      `${name.padEnd(26)}${value.toFixed(2).padStart(8)} s   ${threads[name]} threads at most`,
    );
  console.log(`the budget reaches ${share.toFixed(2)} of the best setting by hand`);
}

async function measure(
  { scope: scopeOptions, pool: poolOptions }: Setting,
  tasks: number,
): Promise<{ seconds: number; threads: number }> {
  await using scope = await openScope(scopeOptions);
  const python = fileURLToPath(new URL("threads/matrix.py", import.meta.url));
  await using pool = scope.pool<Matrix>({ python }, { workers: 4, ...poolOptions });
  await Promise.all(Array.from({ length: 8 }, () => pool.run("multiply", 200)));
  const counts = await Promise.all(Array.from({ length: 8 }, () => pool.run("threads")));
  const began = performance.now();
  await Promise.all(Array.from({ length: tasks }, () => pool.run("multiply", 1200)));
  return { seconds: (performance.now() - began) / 1000, threads: 4 * Math.max(...counts) };
}
