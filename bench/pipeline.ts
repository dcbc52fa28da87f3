/**
 * A pipeline of many items, each a small file, whose work is a function that does nothing: what
 * planning them costs, running them, and finding out that there is nothing to do. First a tenth of
 * them, so that one sees how the time grows.
 *
 *     npm run bench pipeline [--items N] [--in DIR]
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { formatBytes, formatCount, type ItemCounts } from "cofferdam";

const phase = fileURLToPath(new URL("pipeline/phase.ts", import.meta.url));
const filesInFolder = 1_000;

interface Phase {
  readonly counts: ItemCounts;
  readonly planMs: number;
  readonly durationMs: number;
  readonly planPeakBytes: number;
  readonly peakBytes: number;
}

interface Costs {
  readonly plan: number;
  readonly run: number;
  readonly resume: number;
}

export async function benchPipeline(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      items: { type: "string", default: "1000000" },
      in: { type: "string", default: tmpdir() },
    },
  });
  const items = Number(values.items);
  const small = await benchItems(Math.round(items / 10), values.in);
  const large = await benchItems(items, values.in);
  for (const name of ["plan", "run", "resume"] as const)
    console.log(
      `ten times the items, ${name}: ${(large[name] / small[name]).toFixed(1)} times the time`,
    );
}

async function benchItems(items: number, place: string): Promise<Costs> {
  const folder = mkdtempSync(join(place, "bench-pipeline-"));
  try {
    makeProject(folder, items);
    const first = await runPhase(folder);
    const second = await runPhase(folder);
    if (first.counts.done !== items || second.counts.skipped !== items)
      throw new Error(`not all were done: ${JSON.stringify([first.counts, second.counts])}`);
    const runMs = first.durationMs - first.planMs;
    tell(items, "plan", first.planMs, first.planPeakBytes);
    tell(items, "run", runMs, first.peakBytes);
    tell(items, "resume, nothing to do", second.durationMs, second.peakBytes);
    return { plan: first.planMs, run: runMs, resume: second.durationMs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tell(items: number, what: string, ms: number, bytes: number): void {
  const seconds = (ms / 1000).toFixed(1);
  console.log(`${formatCount(items)} items, ${what}: ${seconds} s, ${formatBytes(bytes)}`);
}

async function runPhase(folder: string): Promise<Phase> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...process.execArgv,
    "--conditions=cofferdam-source",
    phase,
    folder,
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
