import { formatCount } from "../units/index.ts";
import type { ItemCounts } from "./event.ts";

/**
 * `12 converted · 3 skipped · 0 failed`: for the summary after a run. What was done and what failed
 * is always said, also when it is 0; the others only when there are any. `verb` is the app's word.
 */
export function formatCounts(counts: ItemCounts, verb = "done"): string {
  const parts = [`${formatCount(counts.done)} ${verb}`];
  if (counts.skipped > 0) parts.push(`${formatCount(counts.skipped)} skipped`);
  parts.push(`${formatCount(counts.failed)} failed`);
  if (counts.quarantined > 0) parts.push(`${formatCount(counts.quarantined)} quarantined`);
  if (counts.pending > 0) parts.push(`${formatCount(counts.pending)} pending`);
  return parts.join(" · ");
}
