import { type Census, type ProcessEntry, readProcessStat } from "./census/index.ts";

/** How long an experiment gives its own last clean-up. */
export const CLEANUP_DEADLINE_MS = 10_000;

/** A process by the two numbers that name it for good. */
export interface ProcessName {
  readonly pid: number;
  readonly starttime: number;
}

/**
 * SIGKILL to exactly this process; `false` when it is gone or its pid has changed hands. Between
 * the look and the signal lie microseconds, in which a pid does not come round again.
 */
export function killExactly({ pid, starttime }: ProcessName): boolean {
  const now = readProcessStat(pid);
  if (now?.starttime !== starttime || now.zombie) return false;
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false; // It has ended meanwhile.
  }
}

/**
 * Ends what an experiment's run left, and only what carries the experiment's cookie. Gives what is
 * left all the same.
 */
export async function endLeftovers(census: Census, deadlineMs: number): Promise<ProcessEntry[]> {
  const carries = ({ cookie }: ProcessEntry): boolean => cookie === census.cookie;
  const start = performance.now();
  for (;;) {
    const left = census.observe().map((entry) => entry.process);
    // Killing may show new ones: whoever was forked meanwhile.
    if (!left.some(carries)) break;
    for (const entry of left.filter(carries)) killExactly(entry);
    await new Promise((resolve) => setImmediate(resolve));
    if (performance.now() - start > deadlineMs) break;
  }
  const report = await census.waitUntilEmpty(deadlineMs);
  return report.left.processes.map((entry) => entry.process);
}
