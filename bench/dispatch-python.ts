/**
 * What a call of a warm Python worker costs: Cofferdam beside Python's own ProcessPoolExecutor, two
 * workers each, by turns. The ratios, medians over rounds, are the result.
 *
 *     npm run bench dispatch-python [--rounds N] [--calls N] [--json]
 */
import { parseArgs } from "node:util";
import { pythonDispatch, type PythonLoad } from "./dispatch/python.ts";
import { median } from "./statistics.ts";

export async function benchDispatchPython(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "5" },
      calls: { type: "string", default: "20000" },
      json: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  const calls = Number(values.calls);
  const loads: Record<string, PythonLoad> = {
    "no-op": { calls },
    "1 MB there and back": { calls: Math.ceil(calls / 100), echoBytes: 1_000_000 },
  };
  const figures: Record<string, Record<string, number>[]> = {};
  for (const [what, load] of Object.entries(loads)) {
    const taken: Record<string, number>[] = (figures[what] = []);
    for (let round = 0; round < rounds; round++) taken.push(await pythonDispatch(load));
  }
  if (values.json) {
    console.log(JSON.stringify({ rounds, calls, figures }));
    return;
  }
  for (const [what, taken] of Object.entries(figures)) {
    console.log(`${what}, calls a second (medians of ${rounds} rounds)`);
    for (const who of Object.keys(taken[0] ?? {})) {
      const rate = median(taken.map((round) => round[who] ?? NaN));
      const ratio = median(taken.map((round) => (round[own] ?? NaN) / (round[who] ?? NaN)));
      const beside = who === own ? "" : `   ${own} is at ${ratio.toFixed(2)} of it`;
      console.log(`  ${who.padEnd(28)}${rate.toFixed(0).padStart(8)}${beside}`);
    }
  }
}

const own = "cofferdam (Python)";
