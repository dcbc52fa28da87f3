/**
 * What a contained start costs: /bin/true through a scope, beside the same namespaces from a C loop,
 * plain child_process and GNU parallel, by turns; then the first and child_process again with a
 * gigabyte resident in Node; and how long a big tree takes to end. Rates differ from machine to
 * machine and with its load: the ratios, medians over rounds, are the result.
 *
 *     npm run bench spawn [--rounds N] [--count N] [--concurrency N] [--processes N] [--json]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openScope, type Scope } from "cofferdam";
import { compile, isInstalled } from "./spawn/programs.ts";
import { endTree } from "./spawn/tree.ts";
import { childProcess, cofferdam, loop, parallel, type Load, type Way } from "./spawn/ways.ts";
import { median } from "./statistics.ts";

const residentBytes = 2 ** 30;

/** Each way's starts per second, a figure a round. */
type Rates = Record<string, number[]>;

export async function benchSpawn(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "5" },
      count: { type: "string", default: "400" },
      concurrency: { type: "string", default: "4" },
      processes: { type: "string", default: "1000" },
      json: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  const load = { count: Number(values.count), concurrency: Number(values.concurrency) };
  const processes = Number(values.processes);
  const say = (line: string): void => {
    if (!values.json) console.log(line);
  };

  const folder = mkdtempSync(join(tmpdir(), "bench-spawn-"));
  try {
    await using scope = await openScope();
    const { tree } = scope.containment;
    say(`${load.count} starts, ${load.concurrency} at once, ${rounds} rounds, under ${tree}`);
    const rates = await measureRates(scope, compile("loop", folder), load, rounds, say);
    const stubborn = compile("stubborn", folder);
    const endMs: number[] = [];
    for (let round = 0; round < rounds; round++)
      endMs.push(await endTree(scope, stubborn, processes));
    const ratios = ratiosOf(rates);
    if (values.json) {
      console.log(JSON.stringify({ tree, ...load, processes, rates, ratios, endMs }));
      return;
    }
    for (const [name, ratio] of Object.entries(ratios)) say(`${name}: ${ratio.toFixed(2)}`);
    say(
      `a tree of ${processes} processes, from the end of its grace until it is gone: ${median(endMs).toFixed(0)} ms`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measureRates(
  scope: Scope,
  binary: string,
  load: Load,
  rounds: number,
  say: (line: string) => void,
): Promise<Rates> {
  const small: Record<string, Way> = {
    cofferdam: cofferdam(scope),
    "C loop": loop(binary, "namespace"),
    "C loop, no namespaces": loop(binary, "plain"),
    child_process: childProcess,
    ...(isInstalled("parallel") ? { "GNU parallel": parallel } : {}),
  };
  const rates = await takeTurns(small, load, rounds, say);
  const resident = makeResident();
  const big = {
    "cofferdam, 1 GB resident": cofferdam(scope),
    "child_process, 1 GB resident": childProcess,
  };
  Object.assign(rates, await takeTurns(big, load, rounds, say));
  // Held until here, or it would have been collected.
  if (resident.length === 0) throw new Error("nothing is resident");
  return rates;
}

async function takeTurns(
  ways: Readonly<Record<string, Way>>,
  load: Load,
  rounds: number,
  say: (line: string) => void,
): Promise<Rates> {
  const rates: Rates = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (const way of Object.values(ways)) await way({ ...load, count: Math.ceil(load.count / 4) }); // warm
  for (let round = 1; round <= rounds; round++) {
    const told: string[] = [];
    for (const [name, way] of Object.entries(ways)) {
      const rate = load.count / (await way(load));
      rates[name]?.push(rate);
      told.push(`${name} ${rate.toFixed(0)}`);
    }
    say(`round ${round}, starts a second: ${told.join(", ")}`);
  }
  return rates;
}

/** Buffers whose every page has been written to, as a program with much in memory has them. */
function makeResident(): Buffer[] {
  const pieceBytes = 2 ** 26;
  return Array.from({ length: residentBytes / pieceBytes }, () => Buffer.alloc(pieceBytes, 1));
}

/** Medians of the rounds' ratios, so that a neighbour's noise does not decide. */
function ratiosOf(rates: Rates): Record<string, number> {
  const ratio = (of: string, to: string): [string, number] | null => {
    const above = rates[of] ?? [];
    const below = rates[to];
    if (!below) return null;
    return [`${of} / ${to}`, median(above.map((rate, round) => rate / (below[round] ?? NaN)))];
  };
  const pairs = [
    ratio("cofferdam", "C loop"),
    ratio("cofferdam", "child_process"),
    ratio("cofferdam", "GNU parallel"),
    ratio("C loop", "C loop, no namespaces"),
    ratio("cofferdam, 1 GB resident", "cofferdam"),
    ratio("child_process, 1 GB resident", "child_process"),
    ratio("cofferdam, 1 GB resident", "child_process, 1 GB resident"),
  ];
  return Object.fromEntries(pairs.filter((pair) => pair !== null));
}
