import { setTimeout as delay } from "node:timers/promises";
import { type ProcessStat, readProcessStat } from "../census/index.ts";
import { killExactly } from "../kill.ts";
import type { Anchor, Moment } from "./moments.ts";
import type { Prng } from "./prng.ts";
import type { RunningCommand } from "./subject.ts";
import { findVictims, ProcessTree, type VictimKind } from "./victims.ts";

/** A kill that hit. */
export interface Strike {
  /** What was below the victims when they were killed, themselves included. */
  readonly doomed: readonly ProcessStat[];
  /** Milliseconds since the start of the command. */
  readonly sinceStartMs: number;
}

/**
 * Waits for the moment and kills. `null` when the command came to its end first.
 */
export async function strike(
  kind: VictimKind,
  moment: Moment,
  prng: Prng,
  command: RunningCommand,
): Promise<Strike | null> {
  const start = performance.now();
  let anchor = start;
  if (moment.since !== "command") {
    while (!hasAppeared(moment.since, command, ProcessTree.read())) {
      if (command.hasEnded()) return null;
      await delay(1);
    }
    anchor = performance.now();
  }
  await delay(Math.max(0, anchor + moment.atMs - performance.now()));
  while (!command.hasEnded()) {
    const tree = ProcessTree.read();
    const victims = prng.pick(findVictims(kind, command.pid, tree)) ?? [];
    const doomed = victims.flatMap((victim) => tree.withDescendants(victim));
    // Every one of them is killed before it is asked whether it hit.
    if (victims.map(killExactly).includes(true)) {
      return { doomed, sinceStartMs: Math.round(performance.now() - start) };
    }
    // Between two tasks there may be no worker for a moment: the next one is struck.
    await delay(1);
  }
  return null;
}

/** When the first of each kind was seen, in milliseconds since `start`. */
export async function watchAppearances(
  command: RunningCommand,
  start: number,
): Promise<Partial<Record<Anchor, number>>> {
  const seen: Partial<Record<Anchor, number>> = { command: 0 };
  while (!command.hasEnded() && (seen.worker === undefined || seen.output === undefined)) {
    const tree = ProcessTree.read();
    for (const kind of ["keeper", "worker", "output"] as const) {
      if (seen[kind] === undefined && hasAppeared(kind, command, tree)) {
        seen[kind] = Math.round(performance.now() - start);
      }
    }
    await delay(1);
  }
  return seen;
}

function hasAppeared(anchor: Anchor, command: RunningCommand, tree: ProcessTree): boolean {
  if (anchor === "output") return command.hasOutput();
  return findVictims(anchor, command.pid, tree).length > 0;
}

/** Milliseconds until all of them are gone, or only wait to be reaped; `null` past the deadline. */
export async function whenGone(
  processes: readonly ProcessStat[],
  deadlineMs: number,
): Promise<number | null> {
  const start = performance.now();
  for (;;) {
    const elapsed = performance.now() - start;
    const living = processes.filter(({ pid, starttime }) => {
      const now = readProcessStat(pid);
      return now?.starttime === starttime && !now.zombie;
    });
    if (living.length === 0) return Math.round(elapsed);
    if (elapsed > deadlineMs) return null;
    await delay(2);
  }
}
