import { setTimeout as delay } from "node:timers/promises";
import { findVictims, ProcessTree } from "../chaos/victims.ts";
import { killExactly } from "../kill.ts";
import type { Life } from "./life.ts";
import type { Phase, Round, Tier } from "./plan.ts";
import { chooseTarget, type Target } from "./victims.ts";

/** How long phases last, from their first moment. */
const WIDTHS_MS = { starting: 15, running: 20, ladder: 60, closing: 80, sweeping: 10 } as const;
/** A part of the victims' kind that does not appear so long will not. */
const PATIENCE_MS = 5_000;

export interface Aim {
  readonly tier: Tier;
  /** From the start of a runtime until its scope is open. */
  readonly openMs: number;
  /** Of the phase: how much of it the moment is drawn from. */
  readonly share: number;
}

/**
 * Waits for the round's moment and kills. `null`: the runtime has ended before, or went out of the
 * phase without showing a victim.
 */
export async function strike(life: Life, round: Round, aim: Aim): Promise<Target | null> {
  const { fromMs, widthMs } = await beginOf(life, round, aim);
  await delay(fromMs + round.at * widthMs * aim.share);
  const end = performance.now() + PATIENCE_MS;
  while (!life.runtime.hasEnded && performance.now() < end) {
    const target = chooseTarget(round.victim, life.runtime.pid, round.prng);
    if (target !== null && killTarget(target) !== null) return target;
    await delay(1);
  }
  return null;
}

/** `null`: all of them were gone. */
export function killTarget(target: Target): Target | null {
  // Every one of them is killed before it is asked whether it hit.
  return target.victims.map(killExactly).includes(true) ? target : null;
}

/** Milliseconds from now to the first moment of the phase, and how long that is. */
async function beginOf(
  { runtime }: Life,
  { phase, victim }: Round,
  { tier, openMs }: Aim,
): Promise<{ fromMs: number; widthMs: number }> {
  if (phase !== "opening" && phase !== "sweeping") return { fromMs: 0, widthMs: WIDTHS_MS[phase] };
  if (tier === "group" && phase === "sweeping")
    return { fromMs: openMs * 0.6, widthMs: openMs * 0.4 };
  if (phase === "opening" && victim === "node") return { fromMs: 0, widthMs: openMs };
  while (!runtime.hasEnded && !hasKeeper(runtime.pid)) await delay(1);
  return { fromMs: 0, widthMs: WIDTHS_MS.sweeping };
}

function hasKeeper(nodePid: number): boolean {
  return findVictims("keeper", nodePid, ProcessTree.read()).length > 0;
}

/** What the runtime is told so that the phase begins. */
export const ORDERS = {
  opening: null,
  starting: "again",
  running: null,
  ladder: "stop",
  closing: "close",
  sweeping: null,
} as const satisfies Record<Phase, string | null>;
