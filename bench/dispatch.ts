/**
 * What a call of a warm worker costs: Cofferdam beside tinypool, workerpool and piscina, each with
 * two workers and at its best documented settings, by turns, warmed up for the same time. Rates
 * differ from machine to machine and with its load: the ratios, medians over rounds, are the result.
 *
 *     npm run bench dispatch [--rounds N] [--tasks N] [--json]
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cofferdam, peers, type Contestant } from "./dispatch/contestants.ts";
import { mapRate, rate, unevenMakespan, withPool } from "./dispatch/measure.ts";
import { rawLoop } from "./dispatch/raw-loop.ts";
import { median } from "./statistics.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const keeper = fileURLToPath(new URL("../keeper/build/cofferdam-keeper", import.meta.url));
/** In each round: a single one says little. */
const coldStarts = 20;
const megabyte = new Uint8Array(1_000_000);
const text = "A line of a document, of which there are many. ".repeat(2150);

/** What is measured, by name; each a figure a round for each contestant. */
type Figures = Record<string, Record<string, number[]>>;

export async function benchDispatch(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "5" },
      tasks: { type: "string", default: "200000" },
      json: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  const tasks = Number(values.tasks);
  const say = (line: string): void => {
    if (!values.json) console.log(line);
  };

  // What a first task costs is asked of the packages as published.
  spawnSync(process.execPath, ["scripts/build-packages.ts"], { cwd: root, stdio: "inherit" });
  const figures: Figures = {};
  const note = (what: string, who: string, figure: number): void => {
    ((figures[what] ??= {})[who] ??= []).push(figure);
  };
  for (let round = 0; round < rounds; round++) {
    for (const contestant of [cofferdam, ...peers]) await measure(contestant, tasks, note);
    note("no-op, 64 in flight", "raw loop", await rawLoop(tasks));
    for (let start = 0; start < coldStarts; start++)
      for (const which of ["cofferdam", "tinypool"])
        note("first task, cold, ms", which, cold(which));
    say(`round ${round + 1} of ${rounds} done`);
  }
  const uneven = await withPool(cofferdam, (pool) => unevenMakespan(pool, 2000));

  const medians = Object.fromEntries(
    Object.entries(figures).map(([what, by]) => [
      what,
      Object.fromEntries(Object.entries(by).map(([who, all]) => [who, median(all)])),
    ]),
  );
  if (values.json) {
    console.log(JSON.stringify({ rounds, tasks, medians, unevenMakespan: uneven, figures }));
    return;
  }
  for (const [what, by] of Object.entries(medians)) {
    say(`\n${what}`);
    const own = by["cofferdam"] ?? NaN;
    for (const [who, figure] of Object.entries(by)) {
      const ratio =
        who === "cofferdam" ? "" : `   cofferdam is at ${(own / figure).toFixed(2)} of it`;
      say(`  ${who.padEnd(26)}${Math.round(figure).toLocaleString("en").padStart(10)}${ratio}`);
    }
  }
  say(`\n1 % of tasks take 1 s, the others 1 ms: ${uneven.toFixed(3)} of the ideal time`);
}

async function measure(
  contestant: Contestant,
  tasks: number,
  note: (what: string, who: string, figure: number) => void,
): Promise<void> {
  const { name } = contestant;
  await withPool(contestant, async (pool) => {
    note("no-op, 64 in flight", name, await rate(pool, "noop", 0, tasks, 64));
    note("no-op, 1 in flight", name, await rate(pool, "noop", 0, tasks / 40, 1));
    await rate(pool, "echo", megabyte, 300, 8); // as warm as the no-op is by now
    note("1 MB there and back, 8 in flight", name, await rate(pool, "echo", megabyte, 1000, 8));
    await rate(pool, "echo", text, 300, 8);
    note(
      "a text of 100 KB there and back, 8 in flight",
      name,
      await rate(pool, "echo", text, 5000, 8),
    );
    if (pool.map) note("no-op, map", name, await mapRate(pool, tasks));
  });
}

/** From the import to the first result, in a process of its own, of the packages as published. */
function cold(which: string): number {
  const own = fileURLToPath(new URL(`../packages/cofferdam/${publishedEntry()}`, import.meta.url));
  const task = fileURLToPath(new URL("dispatch/cold-task.mjs", import.meta.url));
  const modulePath = which === "tinypool" ? import.meta.resolve("tinypool") : own;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [fileURLToPath(new URL("dispatch/cold.ts", import.meta.url)), which, modulePath, task],
    {
      encoding: "utf8",
      // The keeper's own package is installed with a release; here it is what was built.
      env: { ...process.env, NODE_OPTIONS: "", COFFERDAM_KEEPER: keeper },
    },
  );
  const ms = Number(stdout);
  if (!(ms > 0)) throw new Error(`the first task of ${which} failed:\n${stderr}`);
  return ms;
}

function publishedEntry(): string {
  const manifest = new URL("../packages/cofferdam/package.json", import.meta.url);
  const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as {
    exports: { ".": { default: string } };
  };
  return exports["."].default;
}
