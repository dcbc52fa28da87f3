import fc from "fast-check";
import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { Limiter } from "../../src/shared/index.ts";
import { MemoryLedger } from "../../src/shared/limiter/ledger.ts";
import { bounds, command, LimiterModel } from "../support/limiter-model.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => vi.useRealTimers());

describe("a limiter, whatever happens", () => {
  test("keeps every window of any position, waits for nothing else, and starves nobody", async () => {
    await fc.assert(
      fc.asyncProperty(bounds, fc.array(command, { maxLength: 60 }), async (parsed, commands) => {
        const limiter = new Limiter("model", parsed, new MemoryLedger(parsed));
        await new LimiterModel({ bounds: parsed, start: () => ({ limiter }) }).run(commands);
        limiter.close();
      }),
      { numRuns: 1000, seed: 1 },
    );
  });
});
