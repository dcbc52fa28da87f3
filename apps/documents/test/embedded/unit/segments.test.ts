import { describe, expect, test } from "vitest";
import { toSegments } from "../../../src/embedded/lines/segments.ts";
import { SCRIPT } from "../../../src/embedded/model.ts";
import { run } from "../helpers/shapes.ts";

const texts = (...runs: readonly ReturnType<typeof run>[]): string[] =>
  toSegments(runs).map((each) => each.text);

describe("segments", () => {
  test("join words by the gaps between them, whatever order they were drawn in", () => {
    expect(texts(run("tide", 33, 100), run("The", 15, 100), run("s", 53, 100))).toEqual([
      "The tides",
    ]);
  });

  test("end at a wide gap", () => {
    expect(texts(run("left", 0, 100), run("right", 60, 100))).toEqual(["left", "right"]);
  });

  test("hold a raised sign as such, and the word after it apart", () => {
    const raised = run("2", 50, 96.5, { size: 6 });
    expect(texts(run("after rain", 0, 100), raised, run("and so", 56, 100))).toEqual([
      `after rain${SCRIPT.supOpen}2${SCRIPT.supClose} and so`,
    ]);
  });

  test("hold a lowered sign as such", () => {
    const lowered = run("4", 10, 101.5, { size: 6 });
    expect(texts(run("CH", 0, 100), lowered, run("gas", 16, 100))).toEqual([
      `CH${SCRIPT.subOpen}4${SCRIPT.subClose} gas`,
    ]);
  });

  test("draw a letter once that was drawn twice to look bold", () => {
    expect(texts(run("Title", 0, 100), run("Title", 0.4, 100))).toEqual(["Title"]);
  });

  test("read right-to-left lines from the right", () => {
    expect(
      texts(run("ماء", 50, 100, { rtl: true }), run("ساعة", 20, 100, { rtl: true, right: 45 })),
    ).toEqual(["ماء ساعة"]);
  });
});
