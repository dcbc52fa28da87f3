/**
 * The limiter against a model that knows every permit's whole life: random requests, releases, kills,
 * aborts, corrections and jumps of the wall clock, in virtual time.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LimiterPermit } from "../../src/shared/index.ts";
import { Limiter, parseBounds, type Bounds } from "../../src/shared/index.ts";
import { MemoryLedger } from "../../src/shared/limiter/ledger.ts";

/** One permit, from the outside. */
interface Call {
  readonly worker: number;
  readonly asked: number;
  readonly abort: AbortController;
  used: number;
  permit?: LimiterPermit;
  grantedAt?: number;
  /** When the server has counted it: at some moment while it could. */
  arrivedAt?: number;
  endedAt?: number;
  killed: boolean;
  refused: boolean;
}

type Command =
  | { readonly do: "ask"; readonly worker: number; readonly units: number }
  | { readonly do: "release" | "abort" | "kill" | "correct"; readonly which: number }
  | { readonly do: "pause"; readonly which: number; readonly ms: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "set the clock"; readonly ms: number };

const which = fc.nat(1000);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      worker: fc.nat(3),
      units: fc.integer({ min: 0, max: 20 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("release" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("abort" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("correct" as const), which }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("pause" as const), which, ms: fc.nat(3000) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(1500) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("set the clock" as const),
      ms: fc.integer({ min: -1e10, max: 1e10 }),
    }),
  },
);

const count = fc.integer({ min: 1, max: 12 });
const rate = (limit: fc.Arbitrary<number>): fc.Arbitrary<string> =>
  fc.tuple(limit, fc.constantFrom("s", "2s", "700ms")).map(([most, window]) => `${most}/${window}`);
const bounds: fc.Arbitrary<Bounds> = fc
  .record(
    {
      requests: fc.array(rate(count), { minLength: 1, maxLength: 2 }),
      units: rate(fc.integer({ min: 20, max: 60 })),
      concurrency: fc.integer({ min: 1, max: 5 }),
      transit: fc.constantFrom(0, 50, 1000),
    },
    { requiredKeys: ["requests", "transit"] },
  )
  .map((options) => parseBounds(options));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => vi.useRealTimers());

class Model {
  readonly bounds: Bounds;
  readonly limiter: Limiter;
  readonly calls: Call[] = [];
  readonly pauses: { from: number; until: number; ended: number }[] = [];

  constructor(parsed: Bounds) {
    this.bounds = parsed;
    this.limiter = new Limiter("model", parsed, new MemoryLedger(parsed));
  }

  async apply(next: Command): Promise<void> {
    switch (next.do) {
      case "ask":
        this.#ask(next.worker, next.units);
        break;
      case "release":
        this.#end(pick(this.held, next.which), next.which, false);
        break;
      case "kill": {
        const victim = pick(this.held, next.which)?.worker;
        for (const call of this.held.filter(({ worker }) => worker === victim))
          this.#end(call, next.which, true);
        for (const call of this.waiting.filter(({ worker }) => worker === victim))
          call.abort.abort();
        break;
      }
      case "abort":
        pick(this.waiting, next.which)?.abort.abort();
        break;
      case "correct": {
        const call = pick(this.held, next.which);
        if (!call) break;
        call.used = next.which % (call.used + 1); // what was said to be free may be given away
        call.permit?.used(call.used);
        break;
      }
      case "pause": {
        const call = pick(this.held, next.which);
        if (!call) break;
        const now = performance.now();
        call.permit?.retryAfter(next.ms);
        this.pauses.push({
          from: now,
          until: now + next.ms,
          ended: now + next.ms * 1.1 + Math.max(1000, next.ms * 1.1) + 1,
        });
        break;
      }
      case "wait":
        await vi.advanceTimersByTimeAsync(next.ms);
        break;
      case "set the clock":
        vi.setSystemTime(Date.now() + next.ms);
        break;
    }
    await vi.advanceTimersByTimeAsync(0);
  }

  get held(): Call[] {
    return this.calls.filter(({ permit, endedAt }) => permit && endedAt === undefined);
  }

  get waiting(): Call[] {
    return this.calls.filter(({ permit, refused }) => !permit && !refused);
  }

  /** Whoever waits has a reason: somebody could not be given a permit by any right. */
  isWaitJustified(): boolean {
    const now = performance.now();
    if (this.waiting.length === 0 || this.held.length >= this.bounds.concurrency) return true;
    if (this.pauses.some(({ ended }) => now <= ended)) return true;
    return this.waiting.some(({ asked }) =>
      this.bounds.rates.some(({ measure, limit, windowMs }) => {
        const wanted = measure === "requests" ? 1 : asked;
        // A timer may be a millisecond late.
        const counted = this.calls.filter((call) => this.#countsUntil(call, windowMs) + 2 >= now);
        return sumOf(counted, measure) + wanted > limit;
      }),
    );
  }

  #countsUntil({ grantedAt, endedAt, killed }: Call, windowMs: number): number {
    if (grantedAt === undefined) return -Infinity;
    const latest = grantedAt + this.bounds.transitMs;
    const countedAt = killed || endedAt === undefined ? latest : Math.min(endedAt, latest);
    // Not ended: at least until now, whatever the window.
    const held = endedAt === undefined && latest > performance.now() ? Infinity : -Infinity;
    return Math.max(held, countedAt + windowMs * 1.001 + 1);
  }

  #ask(worker: number, asked: number): void {
    const call: Call = {
      worker,
      asked,
      used: asked,
      abort: new AbortController(),
      killed: false,
      refused: false,
    };
    this.calls.push(call);
    this.limiter
      .acquire({ units: asked, group: worker, signal: call.abort.signal })
      .then((permit) => {
        call.permit = permit;
        call.grantedAt = performance.now();
      })
      .catch(() => (call.refused = true));
  }

  #end(call: Call | undefined, random: number, killed: boolean): void {
    if (call?.grantedAt === undefined) return;
    const now = performance.now();
    // A killed holder's call may still be under way.
    const latest = call.grantedAt + this.bounds.transitMs;
    const last = killed ? latest : Math.min(now, latest);
    call.arrivedAt = call.grantedAt + ((last - call.grantedAt) * random) / 1000;
    call.endedAt = now;
    call.killed = killed;
    if (killed) call.permit?.drop();
    else call.permit?.release();
  }

  /** Gives everything back until nobody waits, and long enough for every wait. */
  async finish(): Promise<void> {
    for (let turn = 0; this.waiting.length + this.held.length > 0 && turn < 10_000; turn++) {
      for (const call of this.held) this.#end(call, turn % 1000, false);
      await vi.advanceTimersByTimeAsync(100);
    }
  }
}

function pick<Value>(values: readonly Value[], at: number): Value | undefined {
  return values[at % values.length];
}

function sumOf(calls: readonly Call[], measure: "requests" | "units"): number {
  return calls.reduce((sum, { used }) => sum + (measure === "requests" ? 1 : used), 0);
}

/** The most that any window of that length holds; the worst one begins at an arrival. */
function worstWindow(
  calls: readonly Call[],
  windowMs: number,
  measure: "requests" | "units",
): number {
  const arrived = calls.flatMap((call) =>
    call.arrivedAt === undefined ? [] : [{ at: call.arrivedAt, call }],
  );
  return Math.max(
    0,
    ...arrived.map(({ at: from }) =>
      sumOf(
        arrived.filter(({ at }) => at >= from && at <= from + windowMs).map(({ call }) => call),
        measure,
      ),
    ),
  );
}

describe("a limiter, whatever happens", () => {
  test("keeps every window of any position, waits for nothing else, and starves nobody", async () => {
    await fc.assert(
      fc.asyncProperty(bounds, fc.array(command, { maxLength: 60 }), async (parsed, commands) => {
        const model = new Model(parsed);
        for (const next of commands) {
          await model.apply(next);
          expect(model.held.length).toBeLessThanOrEqual(parsed.concurrency);
          expect(model.isWaitJustified()).toBe(true);
        }
        await model.finish();
        expect(model.waiting).toEqual([]);
        for (const { measure, limit, windowMs } of parsed.rates)
          expect(worstWindow(model.calls, windowMs, measure)).toBeLessThanOrEqual(limit);
        for (const { grantedAt } of model.calls)
          expect(
            model.pauses.filter(
              ({ from, until }) => grantedAt !== undefined && grantedAt > from && grantedAt < until,
            ),
          ).toEqual([]);
        await model.apply({ do: "wait", ms: 10_000 });
        await loseNothing(model);
        model.limiter.close();
      }),
      { numRuns: 1000, seed: 1 },
    );
  });
});

/** After all that the limiter still gives, at once, as much as a new one. */
async function loseNothing({ limiter, bounds: { rates, concurrency } }: Model): Promise<void> {
  const most = Math.min(
    concurrency,
    ...rates.filter(({ measure }) => measure === "requests").map(({ limit }) => limit),
  );
  let granted = 0;
  const asked = Array.from({ length: most + 1 }, () =>
    limiter.acquire({ units: 0 }).then(() => granted++),
  );
  await vi.advanceTimersByTimeAsync(0);
  expect(granted).toBe(most);
  asked.at(-1)?.catch(() => undefined);
}
