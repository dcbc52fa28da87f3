import { expect, it } from "vitest";
import { measureRate } from "./measure.ts";

it("is never refused by a server that enforces the same limit", async () => {
  const result = await measureRate({ limit: 200, windowMs: 400, workers: 3, calls: 300 });
  expect(result).toMatchObject({ accepted: 900, refused: 0 });
  expect(result.used).toBeLessThanOrEqual(1);
});
