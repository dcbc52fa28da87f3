import { basename } from "node:path";
import type { Leak } from "../keeper/index.ts";
import { formatBytes, formatDuration } from "../units/index.ts";

/**
 * A leak in one line for people, with who started it: `process sleep (41) ← sh (40) ← make (12),
 * 2.3 s old, 1.4 MB: killed`. Names come from outside; show it escaped.
 */
export function leakLine(leak: Leak): string {
  const pid = leak.pid === undefined ? "" : ` (${leak.pid})`;
  const parents = (leak.parents ?? []).map(({ pid, name }) => (pid ? `${name} (${pid})` : name));
  if (leak.orphaned) parents.splice(-1, 0, "…");
  const name = leak.kind === "scratch" ? basename(leak.name) : leak.name;
  const line = [`${leak.kind} ${name}${pid}`, ...parents].join(" ← ");
  const age = leak.ageMs === undefined ? "" : `, ${formatDuration(leak.ageMs)} old`;
  const bytes = leak.memoryBytes ?? leak.sizeBytes;
  const size = bytes === undefined ? "" : `, ${formatBytes(bytes)}`;
  return `${line}${age}${size}: ${leak.action}`;
}
