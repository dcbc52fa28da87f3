import type { Prng } from "./prng.ts";
import type { VictimKind } from "./victims.ts";

/** A stretch of the run from which moments are drawn, uniformly. */
export interface Phase {
  readonly name: string;
  /** How often this phase is chosen, in relation to the others. */
  readonly weight: number;
  /** The clock starts when the first of this kind is seen. */
  readonly since: Anchor;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A process, or a file that a reader would take for finished. */
export type Anchor = "command" | "keeper" | "worker" | "output";

export interface Moment {
  readonly phase: string;
  readonly since: Anchor;
  readonly atMs: number;
}

/** How an undisturbed run goes, in milliseconds since its start. */
export interface Timing {
  readonly expectedMs: number;
  /** When the first of each kind was seen; the whole run long for a kind that never was. */
  readonly appearedMs: Readonly<Record<Anchor, number>>;
}

/** Most races live in the first milliseconds of a process. */
const START_MS = 50;

/** Half of the kills hit the start of something, the rest any moment of the run. */
export function defaultPhases(victim: VictimKind, timing: Timing): readonly Phase[] {
  const anchors: Readonly<Record<VictimKind, readonly Anchor[]>> = {
    command: ["command", "keeper", "worker", "output"],
    keeper: ["keeper", "worker", "output"],
    both: ["keeper", "worker", "output"],
    init: ["worker", "output"],
    worker: ["worker", "output"],
  };
  const starts = anchors[victim].map((since) => ({
    name: `first ${since}`,
    weight: 1,
    since,
    fromMs: 0,
    toMs: START_MS,
  }));
  const since = anchors[victim][0] ?? "command";
  const toMs = timing.expectedMs - timing.appearedMs[since];
  return [...starts, { name: "any", weight: starts.length, since, fromMs: 0, toMs }];
}

export function drawMoment(phases: readonly Phase[], prng: Prng): Moment {
  const total = phases.reduce((sum, phase) => sum + phase.weight, 0);
  let rest = prng.next() * total;
  const chosen = phases.find((phase) => (rest -= phase.weight) < 0) ?? phases.at(-1);
  if (chosen === undefined) throw new RangeError("no phases to draw a moment from");
  const atMs = chosen.fromMs + prng.next() * (chosen.toMs - chosen.fromMs);
  return { phase: chosen.name, since: chosen.since, atMs };
}
