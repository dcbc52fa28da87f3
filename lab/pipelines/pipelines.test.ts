import { expect, it } from "vitest";
import { tornOutputs } from "./outputs.ts";
import { killAndResume } from "./resume.ts";

it("a killed pipeline goes on where it was, and does nothing twice", async () => {
  const { kills, completed, violations } = await killAndResume({ kills: 6, items: 12, seed: 1 });
  expect(violations).toEqual([]);
  expect(kills).toHaveLength(6);
  expect(completed).toBeGreaterThan(0);
});

it("the experiment sees an unfinished output", () => {
  const reference = new Map([["cut/1.cut", "first\nsecond\n"]]);
  expect(tornOutputs(new Map([["cut/1.cut", "first\n"]]), reference)).toEqual(["cut/1.cut"]);
});
