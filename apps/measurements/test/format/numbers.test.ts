import { describe, expect, it } from "vitest";
import {
  numberOf,
  parseBoolean,
  parseNumber,
  parseQuantity,
  textOf,
} from "../../src/format/cast.ts";
import { parseNumberBytes } from "../../src/format/number-bytes.ts";
import { Random } from "../../src/generate/random.ts";

function parse(text: string): number | null | undefined {
  const bytes = Buffer.from(`x,${text},y`);
  return parseNumberBytes(bytes, 2, bytes.length - 2);
}

describe("a number from bytes", () => {
  it.each([
    "0",
    "0.0",
    "-0.0",
    "1.",
    ".5",
    "-.5e3",
    "+3",
    "1e22",
    "1e23",
    "123456789012345678",
    "5e-324",
    "1.7976931348623157e308",
    "4.35",
    "0.1e-6",
    "-4.341055e-09",
    "1E5",
    "1e+05",
    "0.000001",
    "9007199254740993",
    "1e400",
  ])("%s is what JavaScript reads", (text) => expect(parse(text)).toBe(Number(text)));

  it("is what JavaScript reads, for many numbers in many forms", () => {
    const random = new Random(7);
    const wrong: string[] = [];
    for (let index = 0; index < 20_000; index++) {
      const value = (random.next() - 0.5) * 10 ** random.integer(-30, 30);
      const forms = [
        String(value),
        value.toPrecision(random.integer(1, 21)),
        value.toExponential(random.integer(0, 18)),
        Math.abs(value) < 1e20 ? value.toFixed(random.integer(0, 20)) : String(value),
      ];
      wrong.push(...forms.filter((text) => !Object.is(parse(text), Number(text))));
    }
    expect(wrong).toEqual([]);
  });

  it.each(["-", "+", ".", "e5", "1e", "1.2e-", "1.2.3", "1_0", "0x10", "abc", "1e5x", "--1"])(
    "%s is none",
    (text) => expect(parse(text)).toBeNull(),
  );

  it("knows what is empty, not a number and infinite", () => {
    expect(parse("")).toBeUndefined();
    expect(parse("  ")).toBeUndefined();
    expect(parse("nan")).toBeNaN();
    expect(parse("NaN")).toBeNaN();
    expect(parse("-inf")).toBe(-Infinity);
    expect(parse(" 1.5 ")).toBe(1.5);
  });
});

describe("values of a header", () => {
  it("takes the number before a unit where a unit may be", () => {
    expect(parseQuantity("100 ms")).toBe(100);
    expect(parseQuantity("-1.0 V")).toBe(-1);
    expect(parseQuantity("1e-3A")).toBe(0.001);
    expect(parseQuantity("DP + 0. V")).toBeNull();
    expect(parseNumber("100 ms")).toBeNull();
  });

  it("casts by type, and keeps what does not fit as text", () => {
    expect(numberOf("405.0 nm", "float")).toBe(405);
    expect(numberOf("405.0 nm", "float_no_unit")).toBeNull();
    expect(numberOf("2.7 x", "int")).toBe(2);
    expect(numberOf(undefined, "float")).toBeNull();
    expect(textOf("72", "int")).toBe("72");
    expect(textOf("DP + 0. V", "float")).toBe("DP + 0. V");
    expect(textOf("yes", "bool")).toBe("True");
    expect(textOf(undefined, "str")).toBeNull();
  });

  it.each(["1", "true", "Yes", "ON", "y"])("%s is true", (text) =>
    expect(parseBoolean(text)).toBe(true),
  );
  it.each(["0", "false", "no", "off", "", "2"])("%j is false", (text) =>
    expect(parseBoolean(text)).toBe(false),
  );
});
