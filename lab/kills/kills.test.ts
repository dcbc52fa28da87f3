import { describe, expect, it } from "vitest";
import { findContainment } from "../../test/support/containment.ts";
import { isFatal, planRound, TIERS, victimsOf, VICTIMS } from "./plan.ts";
import { programsMissing } from "./programs.ts";
import { formatStorms, isSound } from "./report.ts";
import { storm } from "./storm.ts";

const SEED = 5;
const strongest = TIERS.indexOf((await findContainment()).tree);

describe.for(TIERS)("forty kills in all, under %s", (tier) => {
  const weaker = TIERS.indexOf(tier) < strongest ? `${tier} cannot be had here` : null;
  const why = weaker ?? programsMissing();

  it.skipIf(why !== null)(
    why === null ? "leave nothing" : `skipped, because ${why}`,
    async () => {
      const result = await storm({
        ...{ tier, victims: VICTIMS, seed: SEED },
        times: tier === "namespace" ? 20 : 10,
        goneWithinMs: 30_000,
      });
      expect(result.rounds.map(({ violation }) => violation).filter(Boolean)).toEqual([]);
      expect(result.left).toEqual([]);
      expect(isSound(result)).toBe(true);
      // At once, where the kernel sees to it; and whatever outlives its victim is none.
      const late = result.rounds.filter(({ goneAfterMs }) => goneAfterMs === null);
      expect(late.filter(({ victim }) => tier === "namespace" || !isFatal(victim))).toEqual([]);
      expect(formatStorms([result])).toContain(`${tier}, seed ${SEED}, left at the end`);
    },
    300_000,
  );
});

describe("the plan", () => {
  it("is the same for the same seed and number", () => {
    const plan = (seed: number) =>
      Array.from({ length: 50 }, (_, number) => {
        const { victim, phase, at } = planRound(seed, number, VICTIMS);
        return { victim, phase, at };
      });
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1)).not.toEqual(plan(2));
  });

  it("has every victim in every phase it can die in", () => {
    for (const tier of TIERS) {
      const rounds = Array.from({ length: 2_000 }, (_, number) =>
        planRound(1, number, victimsOf(tier)),
      );
      const drawn = new Set(rounds.map(({ victim, phase }) => `${victim}, ${phase}`));
      expect(drawn.size).toBe(tier === "group" ? 10 : 26);
    }
  });
});

it("calls nothing sound that has left something, or in which nobody was killed", () => {
  const round = { number: 1, victim: "node", phase: "running", goneAfterMs: 3, missed: 0 } as const;
  const result = {
    ...({ tier: "group", seed: 1, victims: ["node"], cutOff: 0, left: [] } as const),
    rounds: [{ ...round, violation: null }],
  };
  expect(isSound(result)).toBe(true);
  expect(isSound({ ...result, rounds: [] })).toBe(false);
  expect(isSound({ ...result, left: ["1 × sysv"] })).toBe(false);
  const bad = { ...result, rounds: [{ ...round, violation: "still there: sleep" }] };
  expect(isSound(bad)).toBe(false);
  expect(formatStorms([bad])).toContain("again with --tier group --seed 1 --first 1 --times 1");
});
