import { uptime } from "node:os";
import { basename } from "node:path";
import type { Leak, NamedProcess } from "../backend.ts";
import type { ProcessRow } from "./process-table.ts";

/** A member as it was when it was first seen, and by what it was known to be one. */
export interface Member {
  readonly row: ProcessRow;
  readonly how: "own-group" | "cookie" | "descent";
}

/** What Linux counts start times in, on every processor that Node runs on. */
const ticksPerSecond = 100;
const generationsMax = 32;

/**
 * A leaked process with the programs between it and the task's command, the nearest first. What
 * ended since is told as it was seen; what ended unseen is a gap (`orphaned`).
 */
export function describeLeak(
  row: ProcessRow,
  members: ReadonlyMap<number, Member>,
  command: NamedProcess,
): Leak {
  const parents: NamedProcess[] = [];
  let at = row;
  while (at.pid !== command.pid && parents.length < generationsMax) {
    // Its parent when it was first seen: since then it may have been adopted.
    const first = members.get(at.pid)?.row.parent ?? at.parent;
    const parent = members.get(first)?.row;
    if (!parent) break;
    parents.push({ pid: parent.pid, name: parent.name });
    at = parent;
  }
  const orphaned = at.pid !== command.pid;
  if (orphaned) parents.push({ pid: command.pid, name: basename(command.name) });
  return {
    kind: "process",
    name: row.name,
    pid: row.pid,
    parentPid: row.parent,
    parents,
    orphaned,
    ageMs: ageOf(row),
    memoryBytes: row.residentBytes,
    how: members.get(row.pid)?.how ?? "descent",
    action: "killed",
  };
}

function ageOf({ startTime }: ProcessRow): number {
  const startedMs = /^\d+$/.test(startTime)
    ? Date.now() - uptime() * 1000 + (Number(startTime) * 1000) / ticksPerSecond
    : Date.parse(startTime);
  return Math.max(0, Math.round(Date.now() - startedMs));
}
