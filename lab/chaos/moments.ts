import type { Prng } from "./prng.ts";

/** A stretch of the victim's life from which moments are drawn, uniformly. */
export interface Phase {
  readonly name: string;
  /** How often this phase is chosen, in relation to the others. */
  readonly weight: number;
  /** Milliseconds since the victim was first seen. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Moment {
  readonly phase: string;
  readonly atMs: number;
}

/** A third of the kills hit the first 50 ms, where most races live; the rest any moment. */
export function defaultPhases(expectedMs: number): readonly Phase[] {
  return [
    { name: "start", weight: 1, fromMs: 0, toMs: 50 },
    { name: "any", weight: 2, fromMs: 0, toMs: expectedMs },
  ];
}

export function drawMoment(phases: readonly Phase[], prng: Prng): Moment {
  const total = phases.reduce((sum, phase) => sum + phase.weight, 0);
  let rest = prng.next() * total;
  const chosen = phases.find((phase) => (rest -= phase.weight) < 0) ?? phases.at(-1);
  if (chosen === undefined) throw new RangeError("no phases to draw a moment from");
  const atMs = chosen.fromMs + prng.next() * (chosen.toMs - chosen.fromMs);
  return { phase: chosen.name, atMs };
}
