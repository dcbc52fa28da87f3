import { describe, expect, it } from "vitest";
import { withShape, type Shaped } from "../../src/worker/shape.ts";
import { decodeValue, encodeArguments, encodeText, encodeValue } from "../../src/worker/values.ts";

function roundTrip(value: unknown): unknown {
  const { json, parts } = encodeValue(value);
  return decodeValue(JSON.parse(JSON.stringify(json)), parts);
}

/** Arrays within each other, around one value. */
function nested(levels: number, innermost: unknown): unknown {
  let value = innermost;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

describe("values between processes", () => {
  it.each([
    ["text", "ü\u0000\ud83d\ude00"],
    ["numbers", [0, -0, 1.5, NaN, Infinity, -Infinity, 2 ** 53]],
    ["nothing", [null, undefined]],
    ["a bigint", 123456789012345678901234567890n],
    ["nested objects", { a: [{ b: { c: [] } }], d: undefined }],
    ["an object with our own key", { $: "part", i: 0, nested: { $: 1 } }],
    ["bytes", Uint8Array.of(1, 2, 3)],
    ["wide numbers", [Float64Array.of(1.5, NaN), BigInt64Array.of(-1n), Float32Array.of(2)]],
    ["an ArrayBuffer", Uint8Array.of(9, 8).buffer],
    ["a key named __proto__", JSON.parse('{"__proto__": {"polluted": true}}')],
  ])("%s come back the same", (_, value) => {
    expect(roundTrip(value)).toEqual(value);
  });

  it("keeps a view's own part of its buffer", () => {
    const whole = Float32Array.of(1, 2, 3, 4);
    expect(roundTrip(whole.subarray(1, 3))).toEqual(Float32Array.of(2, 3));
  });

  it("keeps the shape of an array of several dimensions", () => {
    const back = roundTrip(withShape(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]));
    expect(back).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect((back as Shaped<Float32Array>).shape).toEqual([2, 3]);
    expect(roundTrip(Object.assign(new Uint8Array(3), { shape: "round" }))).toEqual(
      new Uint8Array(3),
    );
  });

  it.each([[[2, 2]], [[-2, -3]], [[1.5, 4]], [[6, NaN]]])("refuses the shape %j", (shape) => {
    expect(() => withShape(new Float64Array(6), shape)).toThrow(/cannot have the shape/);
    const part = { $: "part", i: 0, type: "Float64Array", shape };
    expect(() => decodeValue(part, [new Uint8Array(48)])).toThrow(/cannot have the shape/);
  });

  it("does not let a key reach the prototype", () => {
    const value = roundTrip(JSON.parse('{"__proto__": {"polluted": true}}'));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect((value as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each([
    ["a function", { call: () => 1 }, "value.call is a function"],
    ["a symbol", [Symbol("x")], "value[0] is a symbol"],
    ["a Map", new Map(), "value is a Map"],
    ["a Date", { when: new Date() }, "value.when is a Date"],
  ])("refuses %s and names the place", (_, value, message) => {
    expect(() => encodeValue(value)).toThrow(message);
  });

  it("refuses a cycle, and not a value that stands in two places", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = { cycle };
    expect(() => encodeValue(cycle)).toThrow("value.self.cycle is a cycle");
    const twice = { a: 1 };
    expect(roundTrip([twice, twice])).toEqual([{ a: 1 }, { a: 1 }]);
  });

  it("refuses what is nested too deeply and names the place", () => {
    const deep = nested(100_000, 1);
    for (const [encode, place] of [
      [() => encodeValue(deep), "value"],
      [() => encodeText({ deep }), "value"],
      [() => encodeArguments([1, deep]), "value[1]"],
    ] as const)
      expect(encode).toThrow(
        expect.objectContaining({
          code: "NOT_SERIALIZABLE",
          message: expect.stringContaining(`${place} is nested too deeply`) as string,
        }),
      );
  });

  it("sends long texts as parts where that is allowed, and what UTF-8 cannot say as JSON", () => {
    const long = "€".repeat(16 * 1024);
    const value = { long, short: long.slice(1), broken: `${long}\ud800` };
    const { text, parts, plain } = encodeText(value, true);
    expect({ plain, parts: parts.map((part) => part.length) }).toEqual({
      plain: false,
      parts: [3 * 16 * 1024],
    });
    expect(decodeValue(JSON.parse(text), parts)).toEqual(value);
    expect(encodeArguments([1, long], true).parts).toHaveLength(1);
    expect(encodeText(value)).toEqual({ text: JSON.stringify(value), parts: [], plain: true });
    expect(encodeArguments([long]).parts).toEqual([]);
  });

  it("leaves an error of the value's own as it is", () => {
    const error = new RangeError("out of reach");
    const value = {
      get far(): number {
        throw error;
      },
    };
    for (const encode of [encodeValue, encodeText, (own: unknown) => encodeArguments([own])])
      expect(() => encode(value)).toThrow(error);
  });

  it("decodes whatever JSON can be read, however deeply it is nested", () => {
    const levels = 100_000;
    const inner = '{"$":"object","v":{"$":{"a":{"$":"bigint","v":"7"}}}}';
    let value = decodeValue(JSON.parse("[".repeat(levels) + inner + "]".repeat(levels)), []);
    for (let level = 0; level < levels; level++) [value] = value as unknown[];
    expect(value).toEqual({ $: { a: 7n } });
  });

  it("leaves what it decodes as it was", () => {
    const { json, parts } = encodeValue({ a: [{ b: 1n }], c: Uint8Array.of(1) });
    const before = structuredClone(json);
    decodeValue(json, parts);
    expect(json).toEqual(before);
  });
});
