import { expect, it } from "vitest";
import { findPython, pythonMissing } from "../survivors/python.ts";
import { measureCounter, measureLeases } from "./measure.ts";

it("loses no slot of a lease, whoever is killed", async () => {
  expect(await measureLeases(3, 5)).toEqual({ free: 3, refused: 0 });
});

it("sees a counter lose a slot for each killed worker", async (test) => {
  const python = findPython();
  test.skip(python === null, `skipped, because ${pythonMissing}`);
  expect(await measureCounter(python ?? "", 3, 4)).toEqual({ free: 0, refused: 1 });
});
