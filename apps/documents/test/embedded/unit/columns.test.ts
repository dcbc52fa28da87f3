import { describe, expect, test } from "vitest";
import { findGutter } from "../../../src/embedded/columns/gutter.ts";
import { toRegions } from "../../../src/embedded/columns/regions.ts";
import type { Segment } from "../../../src/embedded/model.ts";
import { segment } from "../helpers/shapes.ts";

const line = (name: string): string =>
  `${name} goes on for the width of its column`.padEnd(40, ".");

/** Ten lines in each of two columns, 200 points wide, with a gutter of 20 points. */
function twoColumns(from = 100): Segment[] {
  return Array.from({ length: 10 }, (_, index) => index).flatMap((index) => [
    segment(line(`left ${index}`), 50, from + index * 12),
    segment(line(`right ${index}`), 270, from + index * 12),
  ]);
}

const readIn = (segments: readonly Segment[]): string[] =>
  toRegions(segments, 1, 0).map((region) =>
    region.lines.map((each) => each.text.slice(0, 7).trim()).join(" "),
  );

describe("columns", () => {
  test("are read one after the other", () => {
    const [left, right] = readIn(twoColumns());
    expect(left).toMatch(/^left 0 left 1/u);
    expect(right).toMatch(/^right 0/u);
  });

  test("stand below a title and above a full-width note", () => {
    const title = segment("A title over both of the columns of the page", 120, 60, { size: 16 });
    const note = segment(
      "a note at the foot that is as wide as the page itself and then some more text",
      50,
      400,
    );
    expect(
      toRegions([...twoColumns(), note, title], 1, 0).map((each) => each.lines.length),
    ).toEqual([1, 10, 10, 1]);
  });

  test("a page of one column has no gutter", () => {
    const page = Array.from({ length: 30 }, (_, index) =>
      segment("one line of text ".repeat(5), 50, 100 + 12 * index),
    );
    expect(findGutter(page)).toBeUndefined();
  });

  test("a table's columns are not the page's", () => {
    const page = Array.from({ length: 12 }, (_, index) => [
      segment("Winter", 50, 100 + 14 * index),
      segment("71", 250, 100 + 14 * index),
      segment("7.4", 400, 100 + 14 * index),
    ]).flat();
    expect(findGutter(page)).toBeUndefined();
  });

  test("a page with a figure takes the gutter of the others", () => {
    const left = twoColumns().filter((each) => each.x === 50);
    const labels = ["Guard", "Side exit", "Trunk"].map((text, index) =>
      segment(text, 320 + 20 * index, 100 + 30 * index),
    );
    expect(toRegions([...left, ...labels], 1, 0)).toHaveLength(1);
    expect(toRegions([...left, ...labels], 1, 0, [260])).toHaveLength(2);
  });
});
