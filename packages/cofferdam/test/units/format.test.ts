import { expect, it } from "vitest";
import { formatCount, formatRate } from "../../src/units/index.ts";

it.each([
  [0, "0"],
  [-3, "0"],
  [999, "999"],
  [1000, "1,000"],
  [12_345, "12,345"],
  [1_234_567, "1,234,567"],
  [NaN, "?"],
])("shows the count %d as %s", (count, text) => {
  expect(formatCount(count)).toBe(text);
});

it.each([
  [0, "0/s"],
  [-1, "0/s"],
  [3.2, "3.2/s"],
  [3, "3/s"],
  [42.4, "42/s"],
  [12_345, "12,345/s"],
  [0.9999, "1/s"],
  [0.75, "45/min"],
  [1 / 60, "1/min"],
  [1 / 300, "12/h"],
  [NaN, "?"],
])("shows %d per second as %s", (perSecond, text) => {
  expect(formatRate(perSecond)).toBe(text);
});
