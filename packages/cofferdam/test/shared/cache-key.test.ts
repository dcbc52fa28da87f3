import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { hashKey } from "../../src/worker/cache-key.ts";
import { packValue, unpackValue } from "../../src/worker/stored-value.ts";

const hex = (key: unknown, version = ""): string => hashKey(version, key).toString("hex");

const plain = fc.jsonValue({ maxDepth: 4 });

describe("a cache's key", () => {
  it("is the same however an object was made", () => {
    expect(hex({ model: "m", dimension: 3, texts: ["a"] })).toBe(
      hex({ texts: ["a"], dimension: 3.0, model: "m", task: undefined }),
    );
    expect(hex({ a: 0 })).toBe(hex({ a: -0 }));
    expect(hex(1)).not.toBe(hex(1n));
    expect(hex("x", "model 1")).not.toBe(hex("x", "model 2"));
  });

  it.each([
    [1, "1"],
    [1, true],
    [0, null],
    [0, false],
    ["", null],
    [[], {}],
    [["ab"], ["a", "b"]],
    [
      [["a"], "b"],
      ["a", ["b"]],
    ],
    [{ a: 1 }, { b: 1 }],
    [{ a: { b: 1 } }, { a: {}, b: 1 }],
    [Uint8Array.of(1, 0, 0, 0), Uint32Array.of(1)],
    [Float32Array.of(1), Float32Array.of(1, 0)],
  ])("tells %j from %j", (a, b) => {
    expect(hex(a)).not.toBe(hex(b));
  });

  test("is equal exactly for equal values", () => {
    fc.assert(
      fc.property(plain, plain, (a, b) => {
        const equal = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
        expect(hex(a) === hex(b)).toBe(equal);
        expect(hex(structuredClone(a))).toBe(hex(a));
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it("sorts names as bytes of UTF-8, as another language would", () => {
    // U+FF5E comes before U+1F600, whose first half in UTF-16 is smaller.
    const names = ["b", "a", "\u{1F600}", "\uFF5E", "ab"];
    const shuffled = [...names].reverse();
    const of = (order: string[]): string =>
      hex(Object.fromEntries(order.map((name) => [name, name])));
    expect(of(names)).toBe(of(shuffled));
  });

  /** What another implementation must give; see docs/reference/services.md. */
  it("has the documented bytes", () => {
    expect(hex({ text: "déjà", model: "m", n: [1, 2.5, null, true] }, "v1")).toBe(documented);
  });

  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = { cyclic };
  it.each([
    ["a function", { when: () => 1 }, "key.when is a function"],
    ["a symbol", [Symbol("x")], "key[0] is a symbol"],
    ["a cycle", cyclic, "part of a cycle"],
    ["undefined", undefined, "key is undefined"],
    ["a hole", [undefined], "key[0] is undefined"],
    ["NaN", { a: { b: NaN } }, "key.a.b is NaN"],
    ["a Date", { at: new Date(0) }, "key.at is a Date"],
    ["a Map", new Map(), "key is a Map"],
    ["half a character", "\ud800", "half a character"],
    ["a DataView", new DataView(new ArrayBuffer(1)), "a DataView"],
  ])("cannot have %s", (_, key, message) => {
    const refused = (): unknown => hashKey("", key);
    expect(refused).toThrow(message);
    expect(refused).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});

const documented = "7c2d5d1d2f6ece04e95080fea3c9f215d65812cf049be92b57c7cbd300e07d1d";

function sorted(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, sorted(item)] as const);
  return { entries: entries.sort(([a], [b]) => (a < b ? -1 : 1)) };
}

describe("a stored value", () => {
  test("comes out as it went in", () => {
    fc.assert(
      fc.property(plain, fc.float32Array(), fc.uint8Array(), (value, floats, bytes) => {
        const all = { value, floats, list: [bytes, 1n, NaN, undefined] };
        expect(unpackValue(packValue(all))).toEqual(all);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it("is a Float32Array again", () => {
    const vector = Float32Array.from({ length: 3072 }, (_, index) => index / 7);
    expect(unpackValue(packValue(vector))).toEqual(vector);
    expect(packValue(vector).length).toBeLessThan(vector.byteLength + 100);
  });

  it.each([
    [new Uint8Array(3)],
    [Uint8Array.of(200, 0, 0, 0, 1)],
    [packValue({ a: new Uint8Array(9) }).slice(0, -1)],
  ])("is refused when it is %j", (bytes) => {
    expect(() => unpackValue(bytes)).toThrow();
  });
});
