/** Processes that share a limiter by its file, some of which are killed, in virtual time. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { Limiter, type Bounds } from "../../src/shared/index.ts";
import type { SharedClock } from "../../src/shared/limiter/clock.ts";
import type { Ledger, Turn } from "../../src/shared/limiter/ledger.ts";
import { SharedLedger } from "../../src/shared/limiter/shared-ledger.ts";
import { bounds, command, LimiterModel, type LimitingProcess } from "../support/limiter-model.ts";

const clock: SharedClock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  boot: "the only one",
};

/** The ledger of a process that can die: from then on it does and says nothing, and its lock is gone. */
class MortalLedger implements Ledger {
  readonly #ledger: SharedLedger;
  readonly #lock: string;
  #dead = false;

  constructor(folder: string, parsed: Bounds) {
    const locks = join(folder, "present");
    mkdirSync(locks, { recursive: true });
    const before = new Set(readdirSync(locks));
    this.#ledger = new SharedLedger(folder, parsed, clock);
    this.#lock = join(locks, readdirSync(locks).find((name) => !before.has(name)) ?? "");
  }

  get pollMs(): number {
    return this.#ledger.pollMs;
  }

  get batched(): boolean {
    return this.#ledger.batched;
  }

  now(): number {
    return this.#ledger.now();
  }

  hasNews(): boolean {
    return !this.#dead && this.#ledger.hasNews();
  }

  transact(work: (turn: Turn) => number): boolean {
    return !this.#dead && this.#ledger.transact(work);
  }

  kill(): void {
    this.#dead = true;
    rmSync(this.#lock);
  }

  [Symbol.dispose](): void {
    this.#ledger[Symbol.dispose]();
  }
}

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance", "Date"],
  });
});
afterEach(() => vi.useRealTimers());

describe("a limiter that processes share, whatever happens", () => {
  test("keeps every window, waits for nothing else, starves nobody and frees what the dead held", async () => {
    await fc.assert(
      fc.asyncProperty(bounds, fc.array(command, { maxLength: 40 }), async (parsed, commands) => {
        const folder = mkdtempSync(join(tmpdir(), "limiter-"));
        const started: Limiter[] = [];
        const start = (): LimitingProcess => {
          const ledger = new MortalLedger(folder, parsed);
          const limiter = new Limiter("model", parsed, ledger);
          started.push(limiter);
          return { limiter, kill: () => ledger.kill() };
        };
        const model = new LimiterModel({
          bounds: parsed,
          start,
          processes: 3,
          settleMs: 25,
          deathKnownMs: 275,
        });
        try {
          await model.run(commands);
        } finally {
          for (const limiter of started) limiter.close();
          rmSync(folder, { recursive: true });
        }
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});
