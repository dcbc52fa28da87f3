import { describe, expect, it } from "vitest";
import { CofferdamError } from "../../src/errors/index.ts";
import { formatDuration, parseDuration, UnitError } from "../../src/units/index.ts";

describe("parseDuration", () => {
  it.each([
    [0, 0],
    [1500, 1500],
    [0.2, 1],
    ["0", 0],
    ["250ms", 250],
    ["1.5s", 1500],
    ["10m", 600_000],
    ["10 min", 600_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    ["1h30m", 5_400_000],
    ["1h 30m 5s 10ms", 5_405_010],
    [" 2 min 05 s ", 125_000],
    ["1.1s", 1100],
    ["30d", 2_592_000_000],
    [2 ** 31, 2 ** 31],
  ])("reads %j as %d ms", (given, ms) => {
    expect(parseDuration(given)).toBe(ms);
  });

  it.each([
    "soon",
    "",
    " ",
    "-1s",
    "-5",
    "1",
    "500",
    "1.s",
    ".5s",
    "1e3ms",
    "10x",
    "5m later",
    "s",
    "1h-5m",
    "30m1h",
    "1m1m",
    "1m 2min",
    "1,5s",
    "1_000ms",
    "10M",
    "∞",
    "１s",
    -1,
    NaN,
    Infinity,
    -Infinity,
    2 ** 60,
    "999999999999d",
  ])("refuses %j", (given) => {
    expect(() => parseDuration(given)).toThrow(UnitError);
  });

  it("names the text and the accepted forms", () => {
    expect(() => parseDuration("soon")).toThrow(/^"soon" is not a duration: .*"1\.5s".*"1h30m"$/);
    expect(() => parseDuration("500")).toThrow(/^"500" has no unit of time: .*"250ms"/);
    expect(() => parseDuration("a\nb\u001b[31m")).toThrow(/^"a\\nb\\u001b\[31m" is not/);
    expect(() => parseDuration("x".repeat(5000))).toThrow(/^.{60,200}$/);
  });

  it("refuses other types with the same error", () => {
    for (const given of [undefined, null, true, {}, 5n]) {
      expect(() => parseDuration(given as never)).toThrow(UnitError);
    }
    expect(new UnitError("x")).toMatchObject({ name: "UnitError", code: "INVALID_ARGUMENT" });
    expect(new UnitError("x")).toBeInstanceOf(CofferdamError);
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0 s"],
    [-5, "0 s"],
    [0.1, "1 ms"],
    [320, "320 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [3100, "3.1 s"],
    [9949, "9.9 s"],
    [9950, "10 s"],
    [42_400, "42 s"],
    [59_499, "59 s"],
    [59_500, "1 min 00 s"],
    [125_000, "2 min 05 s"],
    [3_599_400, "59 min 59 s"],
    [3_599_500, "1 h 00 min"],
    [3_720_000, "1 h 02 min"],
    [86_399_999, "1 d 00 h"],
    [183_600_000, "2 d 03 h"],
    [NaN, "?"],
    [Infinity, "?"],
  ])("shows %d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("is read back within what it shows, for any duration", () => {
    for (let exponent = 0; exponent < 11; exponent += 0.003) {
      const ms = Math.round(10 ** exponent);
      const back = parseDuration(formatDuration(ms));
      // The coarsest is half of the smaller unit shown: 0.5 s of 10 s, half an hour of a day.
      expect(Math.abs(back - ms) / ms, `${ms} ms`).toBeLessThanOrEqual(0.05);
    }
  });
});
