import { expect, test } from "vitest";
import type { PageSegments } from "../../../src/embedded/furniture/furniture.ts";
import { dropFurniture, patternOf } from "../../../src/embedded/furniture/furniture.ts";
import { segment } from "../helpers/shapes.ts";

function page(number: number, head: string, foot: string): PageSegments {
  const body = Array.from({ length: 30 }, (_, index) =>
    segment(
      `${"water".slice(index % 5)} ${"sluice".repeat(1 + (index % 4))} on page ${number * 37 + index * index}`,
      50,
      90 + 20 * index,
    ),
  );
  return {
    page: number,
    top: 0,
    bottom: 800,
    segments: [segment(head, 50, 40), ...body, segment(foot, 280, 770)],
  };
}

const left = (pages: readonly PageSegments[]): number[] =>
  dropFurniture(pages).map((each) => each.segments.length);

test("heads and numbers that come back are dropped", () => {
  expect(
    left([1, 2, 3, 4].map((number) => page(number, "Notes on Tides", String(number)))),
  ).toEqual([30, 30, 30, 30]);
});

test("left and right heads may differ", () => {
  const pages = [1, 2, 3, 4, 5, 6].map((number) =>
    page(number, number % 2 === 0 ? "The Book" : "The Chapter", `Page ${number}`),
  );
  expect(left(pages)).toEqual([30, 30, 30, 30, 30, 30]);
});

test("a line at the edge that comes once is text", () => {
  const pages = [
    page(1, "In the beginning", "and so it went"),
    page(2, "The water came", "over the wall"),
  ];
  expect(left(pages)).toEqual([32, 32]);
});

test("numbers do not make patterns differ", () => {
  expect(patternOf("Page 3 of 12")).toBe(patternOf("Page 11 of 12"));
  expect(patternOf("xiv")).toBe("#");
});

test("chapters that begin at the top of a page keep their headings", () => {
  const pages = [2, 5, 9, 14].map((number, index) =>
    page(number, `Chapter ${index + 1}`, String(number)),
  );
  expect(left(pages)).toEqual([31, 31, 31, 31]);
});
