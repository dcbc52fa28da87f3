import { basename } from "node:path";
import type { Leak } from "../keeper/index.ts";
import { formatBytes, formatDuration } from "../units/index.ts";

const unattributedShown = 5;

/** What nobody knows to be the task's, in one line for people. Names come from outside. */
export function unattributedLine(objects: readonly Leak[]): string {
  const names = objects.slice(0, unattributedShown).map(({ kind, name }) => `${kind} ${name}`);
  const more = objects.length - names.length;
  if (more > 0) names.push(`and ${more} more`);
  return `appeared meanwhile, not known whose, left alone: ${names.join(", ")}`;
}

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
