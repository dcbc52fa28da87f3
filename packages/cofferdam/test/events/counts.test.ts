import { expect, it } from "vitest";
import { formatCounts } from "../../src/events/index.ts";

const NONE = { total: 0, done: 0, skipped: 0, failed: 0, quarantined: 0, pending: 0 };

it("always says what was done and what failed, in the app's words", () => {
  expect(formatCounts({ ...NONE, total: 12, done: 12 }, "converted")).toBe(
    "12 converted · 0 failed",
  );
  expect(formatCounts(NONE)).toBe("0 done · 0 failed");
});

it("says the rest when there is any", () => {
  const counts = { total: 1245, done: 1234, skipped: 5, failed: 1, quarantined: 2, pending: 3 };
  expect(formatCounts(counts)).toBe(
    "1,234 done · 5 skipped · 1 failed · 2 quarantined · 3 pending",
  );
});
