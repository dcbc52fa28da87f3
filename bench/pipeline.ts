/**
 * A pipeline of many items, each a small file, whose work is a function that does nothing: what
 * planning them costs, running them, and finding out that there is nothing to do. And the same with
 * a tenth of them, in turns, so that one sees how the time grows. Planning and finding out are told
 * as the median of the rounds.
 *
 *     npm run bench pipeline [--items N] [--rounds N] [--in DIR]
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { formatBytes, formatCount, type ItemCounts } from "cofferdam";
import { median } from "./statistics.ts";

const phase = fileURLToPath(new URL("pipeline/phase.ts", import.meta.url));
const filesInFolder = 1_000;

interface Phase {
  readonly counts: ItemCounts;
  readonly planMs: number;
  readonly durationMs: number;
  readonly planPeakBytes: number;
  readonly peakBytes: number;
}

export async function benchPipeline(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      items: { type: "string", default: "1000000" },
      rounds: { type: "string", default: "3" },
      in: { type: "string", default: tmpdir() },
    },
  });
  const items = Number(values.items);
  const rounds = Number(values.rounds);
  using small = new Project(Math.round(items / 10), values.in);
  using large = new Project(items, values.in);
  // What was just created is written to the disk meanwhile, at the expense of what is measured.
  await promisify(execFile)("sync");
  const projects = [small, large];
  for (let round = 0; round < rounds; round++) for (const project of projects) await project.plan();
  for (const project of projects) await project.run();
  for (let round = 0; round < rounds; round++)
    for (const project of projects) await project.resume();
  for (const { items: count, costs } of projects)
    for (const { what, ms, peakBytes } of costs)
      tell(count, what, median(ms), Math.max(...peakBytes));
  for (const [index, { what, ms }] of large.costs.entries()) {
    const tenth = median(small.costs[index]?.ms ?? []);
    console.log(`ten times the items, ${what}: ${(median(ms) / tenth).toFixed(1)} times the time`);
  }
}

/** What one kind of run took, each time. */
class Cost {
  readonly what: string;
  readonly ms: number[] = [];
  readonly peakBytes: number[] = [];

  constructor(what: string) {
    this.what = what;
  }

  add(ms: number, peakBytes: number): void {
    this.ms.push(ms);
    this.peakBytes.push(peakBytes);
  }
}

class Project implements Disposable {
  readonly items: number;
  readonly #folder: string;
  readonly #plan = new Cost("plan");
  readonly #run = new Cost("run");
  readonly #resume = new Cost("resume, nothing to do");

  constructor(items: number, place: string) {
    this.items = items;
    this.#folder = mkdtempSync(join(place, "bench-pipeline-"));
    makeProject(this.#folder, items);
  }

  get costs(): readonly Cost[] {
    return [this.#plan, this.#run, this.#resume];
  }

  async plan(): Promise<void> {
    this.#forget();
    const { counts, planMs, planPeakBytes } = await runPhase(this.#folder, "plan");
    if (counts.pending !== this.items) throw new Error(`not all were planned: ${told(counts)}`);
    this.#plan.add(planMs, planPeakBytes);
  }

  async run(): Promise<void> {
    this.#forget();
    const { counts, planMs, durationMs, peakBytes } = await runPhase(this.#folder, "run");
    if (counts.done !== this.items) throw new Error(`not all were done: ${told(counts)}`);
    this.#run.add(durationMs - planMs, peakBytes);
  }

  async resume(): Promise<void> {
    const { counts, durationMs, peakBytes } = await runPhase(this.#folder, "run");
    if (counts.skipped !== this.items) throw new Error(`not all were skipped: ${told(counts)}`);
    this.#resume.add(durationMs, peakBytes);
  }

  #forget(): void {
    rmSync(join(this.#folder, ".cofferdam"), { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function told(counts: ItemCounts): string {
  return JSON.stringify(counts);
}

function tell(items: number, what: string, ms: number, bytes: number): void {
  const seconds = (ms / 1000).toFixed(2);
  console.log(`${formatCount(items)} items, ${what}: ${seconds} s, ${formatBytes(bytes)}`);
}

async function runPhase(folder: string, what: "plan" | "run"): Promise<Phase> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...process.execArgv,
    "--conditions=cofferdam-source",
    phase,
    folder,
    what,
  ]);
  return JSON.parse(stdout) as Phase;
}

function makeProject(folder: string, items: number): void {
  writeFileSync(
    join(folder, "cofferdam.yaml"),
    'stages:\n  nothing: { each: "in/**/*.txt", module: nothing.mjs }\n',
  );
  writeFileSync(join(folder, "nothing.mjs"), "export default function () {}\n");
  let inFolder = "";
  for (let index = 0; index < items; index++) {
    if (index % filesInFolder === 0) {
      inFolder = join(folder, "in", String(index / filesInFolder).padStart(6, "0"));
      mkdirSync(inFolder, { recursive: true });
    }
    writeFileSync(join(inFolder, `${String(index).padStart(9, "0")}.txt`), `item ${index}\n`);
  }
}
