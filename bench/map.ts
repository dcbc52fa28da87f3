/**
 * A command over many inputs: `cofferdam map` beside GNU parallel, `xargs -P` and a loop of execa,
 * by turns: jobs a second, the memory of each one's own process, and how many processes are left
 * when it is killed while its jobs hide a daemon. Ratios are medians over rounds.
 *
 *     npm run bench map [--rounds N] [--count N] [--workers N]
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { formatBytes } from "cofferdam";
import { COOKIE_VARIABLE, openCensus } from "../lab/census/index.ts";
import { endLeftovers } from "../lab/kill.ts";
import { measure, start, ways, type Way } from "./map/ways.ts";
import { isInstalled } from "./spawn/programs.ts";
import { median } from "./statistics.ts";

/** Leaves a daemon in a session of its own, and goes on. */
const hostile = ["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & sleep 600"];
const strikeAfterMs = 1_500;
const lookAfterMs = 2_000;

export async function benchMap(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "3" },
      count: { type: "string", default: "10000" },
      workers: { type: "string", default: String(availableParallelism() * 2) },
    },
  });
  const count = Number(values.count);
  const workers = Number(values.workers);
  const present = ways.filter(({ needs }) => needs === undefined || isInstalled(needs));
  const folder = mkdtempSync(join(tmpdir(), "bench-map-"));
  try {
    const inputs = join(folder, "inputs");
    writeFileSync(inputs, Array.from({ length: count }, (_, index) => `${index}\n`).join(""));
    console.log(`${count} inputs to /bin/true, ${workers} at once, ${values.rounds} rounds`);
    const rates = new Map<string, number[]>(present.map(({ name }) => [name, []]));
    for (let round = 1; round <= Number(values.rounds); round++)
      for (const way of present) {
        const joblog = join(folder, `${round}-${present.indexOf(way)}.log`);
        const load = { inputs, workers, joblog, command: ["/bin/true"] };
        const { seconds, peakBytes } = await measure(way, load);
        rates.get(way.name)?.push(count / seconds);
        console.log(
          `round ${round}: ${way.name}: ${(count / seconds).toFixed(0)} jobs/s, ${formatBytes(peakBytes)}`,
        );
      }
    tellRatios(rates);
    for (const way of present) {
      const left = await leftWhenKilled(way, folder, workers);
      console.log(`killed while ${workers} jobs run, left: ${way.name}: ${left} processes`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tellRatios(rates: ReadonlyMap<string, readonly number[]>): void {
  const [[own, ours] = ["", []], ...others] = [...rates];
  for (const [name, theirs] of others) {
    const ratios = ours.map((rate, round) => rate / (theirs[round] ?? NaN));
    console.log(`${own} / ${name}: ${median(ratios).toFixed(2)}`);
  }
}

/** Processes that an independent census still sees a while after a SIGKILL. */
async function leftWhenKilled(way: Way, folder: string, workers: number): Promise<number> {
  const inputs = join(folder, "hostile");
  writeFileSync(inputs, Array.from({ length: workers * 2 }, (_, index) => `${index}\n`).join(""));
  const cookie = randomUUID();
  const census = openCensus({ cookie, scratch: [] });
  const joblog = join(folder, `hostile-${randomUUID()}.log`);
  const load = { inputs, workers, joblog, command: hostile };
  const child = start(way, load, { ...process.env, [COOKIE_VARIABLE]: cookie });
  await delay(strikeAfterMs);
  child.kill("SIGKILL");
  await once(child, "exit");
  await delay(lookAfterMs);
  const left = census.observe().length;
  await endLeftovers(census, 10_000);
  return left;
}
