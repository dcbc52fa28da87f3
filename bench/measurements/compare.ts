import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const program = fileURLToPath(new URL("./baseline/compare.py", import.meta.url));

interface Places {
  readonly staged: string;
  readonly segments: string;
}

/** Compares what two ways wrote: a sample cell by cell, all by sums. Rejects where they differ. */
export async function compareResults(
  python: string,
  theirs: Places,
  ours: Places,
  sample: number,
): Promise<void> {
  for (const [what, a, b] of [
    ["staged files", theirs.staged, ours.staged],
    ["segments", theirs.segments, ours.segments],
  ] as const) {
    const { stdout } = await promisify(execFile)(python, [program, a, b, String(sample)]);
    console.log(`${what}: ${stdout.trim()}`);
  }
}
