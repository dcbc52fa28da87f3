import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { withShape, type Shaped } from "cofferdam";
import { failureOf, usePools } from "./support/pools.ts";

const missing = spawnSync("python3", ["-c", "import numpy"]).status !== 0;
const why = missing ? " (skipped, because numpy is not there)" : "";
const pools = usePools();

describe.skipIf(missing)(`arrays of numpy${why}`, () => {
  it.each([
    ["floats", Float32Array.of(1, 2), ["ndarray", "float32", [2], true]],
    ["clamped bytes", Uint8ClampedArray.of(1), ["ndarray", "uint8", [1], true]],
    [
      "a grid",
      withShape(Float64Array.of(1, 2, 3, 4), [2, 2]),
      ["ndarray", "float64", [2, 2], true],
    ],
  ])("are what typed arrays become: %s", async (_, value, expected) => {
    await using pool = pools.open("arrays.py");
    expect(await pool.run("describe", value)).toEqual(expected);
  });

  it("can be changed in place and handed back", async () => {
    await using pool = pools.open("arrays.py");
    const back = await pool.run("double", withShape(Int32Array.of(1, 2, 3, 4), [2, 2]));
    expect(back).toEqual(Int32Array.of(2, 4, 6, 8));
    expect((back as Shaped<Int32Array>).shape).toEqual([2, 2]);
    const large = new Float32Array(1_000_000).fill(1);
    expect(await pool.run("double", large)).toEqual(new Float32Array(1_000_000).fill(2));
  });

  it.each([
    ["grid", Float32Array.of(0, 1, 2, 3, 4, 5)],
    ["transposed", Float32Array.of(0, 3, 1, 4, 2, 5)],
    ["slice", Int16Array.of(0, 2, 4)],
    ["flags", Uint8Array.of(1, 0)],
    ["scalars", [1.5, 7, true]],
  ])("come row by row: %s", async (kind, expected) => {
    await using pool = pools.open("arrays.py");
    expect(await pool.run("make", kind)).toEqual(expected);
  });

  it.each(["half", "complex", "foreign", "objects"])("are refused: %s", async (kind) => {
    await using pool = pools.open("arrays.py");
    expect(await failureOf(pool.run("make", kind))).toMatchObject({
      code: "NOT_SERIALIZABLE",
      message: expect.stringMatching(/^value is a numpy\.ndarray of /) as string,
    });
  });
});
