import { createPrng, type Prng } from "../chaos/prng.ts";

export const TIERS = ["namespace", "subreaper", "group"] as const;
/** How a runtime contains its tasks; `COFFERDAM_CONTAINMENT` forces each. */
export type Tier = (typeof TIERS)[number];

export const VICTIMS = ["task", "init", "keeper", "node", "both"] as const;
/** A process of a task, a task's init, the keeper, Node, or Node and its keeper together. */
export type Victim = (typeof VICTIMS)[number];

export const PHASES = ["opening", "starting", "running", "ladder", "closing", "sweeping"] as const;
/**
 * When it is killed: while the runtime opens its scope, while a task starts, while all tasks run,
 * between the TERM and the KILL of tasks, while the scope closes, or while a start sweeps what a
 * dead run has left.
 */
export type Phase = (typeof PHASES)[number];

export interface Round {
  readonly number: number;
  readonly victim: Victim;
  readonly phase: Phase;
  /** Where in the phase: from 0 up to, and without, 1. */
  readonly at: number;
  /** For what else is left to chance. */
  readonly prng: Prng;
}

/** Without a keeper there are neither keepers nor inits. */
export function victimsOf(tier: Tier): readonly Victim[] {
  return tier === "group" ? ["task", "node"] : VICTIMS;
}

/** Tasks are there only once the scope is open. */
export function phasesOf(victim: Victim): readonly Phase[] {
  const early: readonly Phase[] = ["opening", "sweeping"];
  return victim === "task" || victim === "init"
    ? PHASES.filter((phase) => !early.includes(phase))
    : PHASES;
}

/** One round, which depends on the seed, its number and the victims to choose from alone. */
export function planRound(seed: number, number: number, victims: readonly Victim[]): Round {
  const prng = createPrng(seed, number);
  const victim = prng.pick(victims);
  const phase = victim === undefined ? undefined : prng.pick(phasesOf(victim));
  if (victim === undefined || phase === undefined) throw new RangeError("there are no victims");
  return { number, victim, phase, at: prng.next(), prng };
}

/** With Node the runtime is over; all else it outlives. */
export function isFatal(victim: Victim): boolean {
  return victim === "node" || victim === "both";
}
