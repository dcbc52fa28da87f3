import type { Prng } from "./prng.ts";
import type { VictimKind } from "./victims.ts";

/** A stretch of the run from which moments are drawn, uniformly. */
export interface Phase {
  readonly name: string;
  /** How often this phase is chosen, in relation to the others. */
  readonly weight: number;
  /** The clock starts when the first process of this kind is seen. */
  readonly since: Anchor;
  readonly fromMs: number;
  readonly toMs: number;
}

export type Anchor = "command" | "keeper" | "worker";

export interface Moment {
  readonly phase: string;
  readonly since: Anchor;
  readonly atMs: number;
}

/** Most races live in the first milliseconds of a process. */
const START_MS = 50;

/** Half of the kills hit the start of something, the rest any moment of the run. */
export function defaultPhases(victim: VictimKind, expectedMs: number): readonly Phase[] {
  const anchors: Readonly<Record<VictimKind, readonly Anchor[]>> = {
    command: ["command", "keeper", "worker"],
    keeper: ["keeper", "worker"],
    both: ["keeper", "worker"],
    init: ["worker"],
    worker: ["worker"],
  };
  const starts = anchors[victim].map((since) => ({
    name: `${since} start`,
    weight: 1,
    since,
    fromMs: 0,
    toMs: START_MS,
  }));
  const since = anchors[victim][0] ?? "command";
  return [...starts, { name: "any", weight: starts.length, since, fromMs: 0, toMs: expectedMs }];
}

export function drawMoment(phases: readonly Phase[], prng: Prng): Moment {
  const total = phases.reduce((sum, phase) => sum + phase.weight, 0);
  let rest = prng.next() * total;
  const chosen = phases.find((phase) => (rest -= phase.weight) < 0) ?? phases.at(-1);
  if (chosen === undefined) throw new RangeError("no phases to draw a moment from");
  const atMs = chosen.fromMs + prng.next() * (chosen.toMs - chosen.fromMs);
  return { phase: chosen.name, since: chosen.since, atMs };
}
