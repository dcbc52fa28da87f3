import { escapeForTerminal } from "../events/index.ts";
import type { StageSummary } from "../pipeline/index.ts";
import { formatCount } from "../units/index.ts";

/** Reasons of a stage that get a line of their own; the rest is summed up. */
const reasonsShown = 8;

/** What will run and why, a line a stage and a reason. */
export function describePlan(plan: readonly StageSummary[]): string {
  return plan.flatMap(describeStage).join("");
}

function describeStage(summary: StageSummary): string[] {
  const { stage, toRun, unchanged, quarantined, refused, gone, reasons } = summary;
  const parts = [
    toRun > 0 ? `${formatCount(toRun)} to run` : null,
    unchanged > 0 ? `${formatCount(unchanged)} unchanged` : null,
    quarantined > 0 ? `${formatCount(quarantined)} in quarantine (--retry-failed runs them)` : null,
    refused > 0
      ? `${formatCount(refused)} refused: cofferdam log ITEM says why (--force writes over what no run has made)`
      : null,
    gone > 0 ? `${formatCount(gone)} gone` : null,
  ].filter((part) => part !== null);
  const text = parts.length > 0 ? parts.join(", ") : "its items come from the stage before";
  return [`${stage}: ${text}\n`, ...describeReasons(reasons)];
}

/** Why items run, most frequent first, a line a reason. */
export function describeReasons(reasons: ReadonlyMap<string, number>): string[] {
  const sorted = [...reasons].sort(([, a], [, b]) => b - a);
  const lines = sorted
    .slice(0, reasonsShown)
    .map(([reason, count]) => `  ${formatCount(count)}  ${escapeForTerminal(reason)}\n`);
  const rest = sorted.slice(reasonsShown).reduce((sum, [, count]) => sum + count, 0);
  if (rest > 0) lines.push(`  ${formatCount(rest)}  other reasons (--why ITEM tells)\n`);
  return lines;
}
