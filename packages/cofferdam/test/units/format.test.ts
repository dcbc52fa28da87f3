import { expect, it } from "vitest";
import { formatCount, formatMinute, formatRate } from "../../src/units/index.ts";

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

it("shows a moment to the minute, in local time", () => {
  expect(formatMinute(new Date(2026, 0, 2, 3, 4, 59).getTime())).toBe("2026-01-02 03:04");
  expect(formatMinute(NaN)).toBe("?");
});
