import { expect, it } from "vitest";
import { tornOutputs } from "./outputs.ts";
import { killAndResume } from "./resume.ts";

/** A dozen runs of a program that has to start: on a loaded machine that takes its time. */
const deadlineMs = 900_000;

it(
  "a killed pipeline goes on where it was, and does nothing twice",
  async () => {
    const { kills, completed, violations } = await killAndResume({ kills: 3, items: 6, seed: 1 });
    expect(violations).toEqual([]);
    expect(kills).toHaveLength(3);
    expect(completed).toBeGreaterThan(0);
  },
  deadlineMs,
);

it("the experiment sees an unfinished output", () => {
  const reference = new Map([["cut/1.cut", "first\nsecond\n"]]);
  expect(tornOutputs(new Map([["cut/1.cut", "first\n"]]), reference)).toEqual(["cut/1.cut"]);
});
