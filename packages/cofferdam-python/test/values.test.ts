import { describe, expect, it } from "vitest";
import { withShape, type Shaped } from "cofferdam";
import { nested } from "./support/nested.ts";
import { failureOf, usePools } from "./support/pools.ts";

const pools = usePools();

describe("values", () => {
  it("come from Python as they are there", async () => {
    await using pool = pools.open("values.py");
    expect(await pool.run("every_kind")).toEqual({
      none: null,
      yes: true,
      small: -7,
      exact: 2 ** 53 - 1,
      big: 2n ** 53n,
      huge: -(10n ** 40n),
      half: 0.5,
      minus_zero: -0,
      nan: NaN,
      infinite: [Infinity, -Infinity],
      text: 'ä€😀\u2028"\\',
      tuple: [1, [2, 3]],
      subclasses: ["red", 3],
      dollar: { $: "part" },
      bytes: Uint8Array.of(97, 98),
      bytearray: Uint8Array.of(99, 100),
      view: Uint8Array.of(101, 102),
      floats: Float32Array.of(1.5, 2.5),
      longs: BigInt64Array.of(-1n, 2n ** 62n),
      empty: new Float64Array(),
      grid: Uint8Array.of(0, 1, 2, 3, 4, 5),
    });
  });

  it.each([
    ["nothing", undefined, ["NoneType", "None"]],
    ["null", null, ["NoneType", "None"]],
    ["a number", 3, ["int", "3"]],
    ["a fraction", 0.1, ["float", "0.1"]],
    ["minus zero", -0, ["float", "-0.0"]],
    ["NaN", NaN, ["float", "nan"]],
    ["an infinity", -Infinity, ["float", "-inf"]],
    ["a bigint", 2n ** 64n, ["int", "18446744073709551616"]],
    ["text", "ä\ud800", ["str", "'ä\\ud800'"]],
    ["an object", { a: [1, { $: 2n }] }, ["dict", "{'a': [1, {'$': 2}]}"]],
    ["bytes", Buffer.from("ab"), ["bytes", "b'ab'"]],
    ["a buffer", Uint8Array.of(97).buffer, ["bytes", "b'a'"]],
    ["clamped bytes", Uint8ClampedArray.of(1), ["array", "array('B', [1])"]],
    ["floats", Float32Array.of(1.5), ["array", "array('f', [1.5])"]],
    ["doubles", Float64Array.of(), ["array", "array('d')"]],
    ["shorts", Int16Array.of(-1), ["array", "array('h', [-1])"]],
    ["bigints", BigUint64Array.of(2n ** 63n), ["array", "array('Q', [9223372036854775808])"]],
  ])("come to Python as what they are: %s", async (_, value, expected) => {
    await using pool = pools.open("values.py");
    expect(await pool.run("describe", value)).toEqual(expected);
  });

  it.each([
    ["set", "value.items[3] is a set"],
    ["date", "value[0] is a datetime.date"],
    ["key", "value.a is a dict with the key 1; keys must be str"],
    ["object", "value is a object"],
    ["function", "value.f is a function"],
    ["generator", "value is a generator"],
    ["cycle", "value.c[0] is part of a cycle"],
    ["deep", "value is nested too deeply"],
    ["digits", "value is an integer of too many digits"],
    ["complex", "value is a complex"],
  ])("are refused with the place of what cannot travel: %s", async (which, message) => {
    await using pool = pools.open("values.py");
    const error = await failureOf(pool.run("not_serializable", which));
    expect(error).toMatchObject({
      code: "NOT_SERIALIZABLE",
      message: expect.stringContaining(message) as string,
    });
    expect(await pool.run("echo", 1)).toBe(1);
  });

  it("come to Python however deeply they are nested, and leave what is sent with them alone", async () => {
    await using pool = pools.open("values.py");
    const { value, beside } = nested();
    const calls = Array.from({ length: 50 }, (_, index) =>
      index % 10 === 5 ? pool.run("along", value) : pool.run("echo", index),
    );
    for (const [index, result] of (await Promise.all(calls)).entries())
      expect(result).toEqual(index % 10 === 5 ? beside : index);
  });

  it("are those of the moment when the function returned, however many are told together", async () => {
    await using pool = pools.open("values.py");
    const counts = await Promise.all(Array.from({ length: 2000 }, () => pool.run("count")));
    expect(counts).toEqual(Array.from({ length: 2000 }, (_, index) => ({ count: index + 1 })));
  });

  it("keep their shape, there and back", async () => {
    await using pool = pools.open("values.py");
    const { grid } = (await pool.run("every_kind")) as { grid: Shaped<Uint8Array> };
    expect(grid.shape).toEqual([2, 3]);
    const cube = withShape(Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 2, 2]);
    const [type] = (await pool.run("describe", cube)) as string[];
    expect(type).toBe("memoryview");
    const back = (await pool.run("echo", cube)) as Shaped<Float64Array>;
    expect(back).toEqual(cube);
    expect(back.shape).toEqual([2, 2, 2]);
  });

  it.each([1e6, 1e8])("of %d bytes go both ways", async (bytes) => {
    await using pool = pools.open("values.py");
    const floats = new Float32Array(bytes / 4).fill(1.5);
    const back = (await pool.run("echo", floats)) as Float32Array;
    expect(back).toBeInstanceOf(Float32Array);
    expect(Buffer.from(back.buffer).equals(Buffer.from(floats.buffer))).toBe(true);
  });

  it("of many sizes and kinds in one call keep their places", async () => {
    await using pool = pools.open("values.py");
    const sent = {
      small: [Uint8Array.of(1), new Float64Array(3).fill(2)],
      large: new Int32Array(100_000).fill(-3),
      none: new Uint8Array(),
      middle: new Uint16Array(20_000).fill(4),
    };
    expect(await pool.run("echo", sent)).toEqual(sent);
  });
});
