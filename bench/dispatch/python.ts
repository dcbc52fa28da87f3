import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { openScope } from "cofferdam";

export const startMethods = ["fork", "spawn"] as const;

const workers = 2;
const inFlight = 64;
const interpreter = process.env["COFFERDAM_PYTHON"] ?? "python3";

interface Tasks {
  noop(value: number): number;
  echo(data: Uint8Array): Uint8Array;
}

/** What is measured: calls that do nothing, or hand so many bytes back. */
export type PythonLoad = { readonly calls: number; readonly echoBytes?: number };

/**
 * Calls a second of Python functions on two warm workers: Cofferdam's with 64 in flight, and
 * `ProcessPoolExecutor.map` with `chunksize=1` for each of its start methods. Called once a round,
 * so that all have the machine by turns.
 */
export async function pythonDispatch(load: PythonLoad): Promise<Record<string, number>> {
  const rates: Record<string, number> = { "cofferdam (Python)": await cofferdamRate(load) };
  for (const method of startMethods)
    rates[`ProcessPoolExecutor (${method})`] = executorRate(method, load);
  return rates;
}

async function cofferdamRate({ calls, echoBytes }: PythonLoad): Promise<number> {
  await using scope = await openScope();
  const python = new URL("tasks.py", import.meta.url);
  await using pool = scope.pool<Tasks>({ python, interpreter }, { workers });
  const data = new Uint8Array(echoBytes ?? 0);
  const call = (): Promise<unknown> =>
    echoBytes === undefined ? pool.run("noop", 0) : pool.run("echo", data);
  const callAll = async (count: number): Promise<void> => {
    let left = count;
    const lane = async (): Promise<void> => {
      while (left-- > 0) await call();
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
  };
  await callAll(1000); // warm
  const began = performance.now();
  await callAll(calls);
  return calls / ((performance.now() - began) / 1000);
}

function executorRate(method: string, { calls, echoBytes }: PythonLoad): number {
  const script = fileURLToPath(new URL("pool.py", import.meta.url));
  const what = echoBytes === undefined ? ["noop"] : ["echo", String(echoBytes)];
  const args = [script, method, String(workers), String(calls), ...what];
  const { stdout, stderr } = spawnSync(interpreter, args, { encoding: "utf8" });
  const rate = Number(stdout);
  if (!(rate > 0)) throw new Error(`ProcessPoolExecutor (${method}) failed:\n${stderr}`);
  return rate;
}
