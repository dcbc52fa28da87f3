/** Run as `node cold.ts WHICH MODULE`: imports a pool, opens it, runs one task, prints the milliseconds. */
import { pathToFileURL } from "node:url";
import type * as Cofferdam from "cofferdam";
import type * as TinypoolModule from "tinypool";

const [which = "", modulePath = "", task = ""] = process.argv.slice(2);
const began = performance.now();

if (which === "tinypool") {
  const { Tinypool } = (await import(modulePath)) as typeof TinypoolModule;
  const pool = new Tinypool({
    filename: task,
    runtime: "child_process",
    minThreads: 2,
    maxThreads: 2,
  });
  await pool.run(0);
  print();
  await pool.destroy();
} else {
  const { openScope } = (await import(modulePath)) as typeof Cofferdam;
  await using scope = await openScope();
  const pool = scope.pool<{ noop: (value: number) => number }>(pathToFileURL(task), { workers: 2 });
  await pool.run("noop", 0);
  print();
}

function print(): void {
  process.stdout.write(`${performance.now() - began}\n`);
}
