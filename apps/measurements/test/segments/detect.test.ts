import { describe, expect, it } from "vitest";
import { detectSegments, nameSegment } from "../../src/segments/detect.ts";

const options = { dvThreshold: 0.001, minSegmentPoints: 5 };

/** 0 → −V → 0 → +V → 0 */
function ramp(points: number, step: number): number[] {
  const volts = [0];
  for (const sign of [-1, 1]) {
    for (let index = 1; index <= points; index++) volts.push(sign * index * step);
    for (let index = points - 1; index >= 0; index--) volts.push(sign * index * step);
  }
  return volts.map((value) => Number(value.toFixed(6)));
}

function described(volts: readonly number[], given = options): string[] {
  return detectSegments(volts, given).map(({ start, end, direction }) => {
    const type = nameSegment(volts[start] ?? NaN, volts[end] ?? NaN, direction);
    return `${type} ${start}–${end}`;
  });
}

describe("segments of a sweep", () => {
  it("are four on the instrument's ramp, and its last zero is none", () => {
    expect(described(ramp(10, 0.1))).toEqual([
      "forward_negative 0–10",
      "return_negative 11–19",
      "forward_positive 20–30",
      "return_positive 31–39",
    ]);
  });

  it("are none where no part has enough points", () => {
    expect(described(ramp(2, 0.01))).toEqual([]);
    expect(described([])).toEqual([]);
    expect(described([0, 1])).toEqual([]);
  });

  it("do not end at noise below the threshold", () => {
    const volts = [0, 0.1, 0.2, 0.1999, 0.3, 0.4, 0.5];
    expect(described(volts)).toEqual(["forward_positive 0–6"]);
    expect(described(volts, { ...options, dvThreshold: 0.0001, minSegmentPoints: 3 })).toEqual([
      "forward_positive 0–2",
      "forward_positive 4–6",
    ]);
  });

  it("end where the voltage crosses zero without touching it", () => {
    const volts = [-0.5, -0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4, 0.5];
    expect(described(volts)).toEqual(["return_negative 0–4", "forward_positive 5–9"]);
  });

  it("hold points without a voltage", () => {
    const volts = ramp(10, 0.1);
    volts[5] = NaN;
    volts[15] = NaN;
    expect(described(volts)).toHaveLength(4);
    expect(described(volts)[0]).toBe("forward_negative 0–10");
  });

  it("of a voltage that stands still have no direction", () => {
    expect(detectSegments([1, 1, 1, 1, 1], options)).toEqual([
      { start: 0, end: 4, direction: "unknown" },
    ]);
  });
});
