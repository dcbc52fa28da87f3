import { describe, expect, it } from "vitest";
import { createEstimate } from "../../src/events/estimate.ts";

describe("the estimate", () => {
  it("knows nothing before something is completed", () => {
    const estimate = createEstimate();
    estimate.begin(0);
    expect(estimate.rate(1000)).toBeUndefined();
    expect(estimate.left(1000, 10)).toBeUndefined();
  });

  it("finds a steady rate, and the time left", () => {
    const estimate = createEstimate();
    estimate.begin(0);
    for (let at = 500; at <= 60_000; at += 500) estimate.completed(at);
    expect(estimate.rate(60_000)).toBeCloseTo(2, 1);
    expect(estimate.left(60_000, 100)).toBeCloseTo(50_000, -3);
  });

  it("follows a change of pace within half a minute", () => {
    const estimate = createEstimate();
    estimate.begin(0);
    for (let at = 100; at <= 60_000; at += 100) estimate.completed(at);
    for (let at = 61_000; at <= 95_000; at += 1000) estimate.completed(at);
    expect(estimate.rate(95_000)).toBeCloseTo(1, 0);
  });

  it("remembers long items beyond the window", () => {
    const estimate = createEstimate();
    estimate.begin(0);
    for (let at = 600_000; at <= 6_000_000; at += 600_000) estimate.completed(at);
    expect(estimate.rate(6_000_000)).toBeCloseTo(1 / 600, 5);
  });

  it("lets the rate fall while nothing completes", () => {
    const estimate = createEstimate();
    estimate.begin(0);
    for (let at = 1000; at <= 10_000; at += 1000) estimate.completed(at);
    const rate = estimate.rate(10_000) ?? 0;
    expect(estimate.rate(40_000)).toBeLessThan(rate / 2);
  });

  it("does not jump: one second later the time left has changed by seconds, not minutes", () => {
    const estimate = createEstimate();
    estimate.begin(0);
    for (let at = 1000; at <= 20_000; at += 1000) estimate.completed(at);
    const before = estimate.left(20_000, 600) ?? 0;
    for (let n = 0; n < 20; n += 1) estimate.completed(20_500);
    const after = estimate.left(21_000, 580) ?? 0;
    expect(before - after).toBeLessThan(before / 3);
    expect(after).toBeLessThan(before);
  });

  it("survives a clock that is set back", () => {
    const estimate = createEstimate();
    estimate.begin(100_000);
    estimate.completed(101_000);
    estimate.completed(50_000);
    for (const at of [50_000, 0, 200_000]) {
      expect(estimate.rate(at)).toBeGreaterThan(0);
      expect(estimate.left(at, 10)).toBeGreaterThanOrEqual(0);
    }
  });

  it("is right for thousands a second", () => {
    const estimate = createEstimate();
    estimate.begin(0);
    for (let n = 0; n < 100_000; n += 1) estimate.completed(n / 10);
    expect(estimate.rate(10_000)).toBeCloseTo(10_000, -2);
  });
});
