/**
 * A model that knows every permit's whole life, beside one limiter or several that share a ledger:
 * random requests, releases, deaths, aborts, corrections, pauses and jumps of the wall clock, in
 * virtual time.
 */
import fc from "fast-check";
import { expect, vi } from "vitest";
import {
  parseBounds,
  type Bounds,
  type Limiter,
  type LimiterPermit,
} from "../../src/shared/index.ts";

/** One permit, from the outside. */
interface Call {
  readonly process: LimitingProcess;
  readonly worker: number;
  readonly asked: number;
  readonly abort: AbortController;
  used: number;
  permit?: LimiterPermit;
  grantedAt?: number;
  /** When the server has counted it: at some moment while it could. */
  arrivedAt?: number;
  endedAt?: number;
  /** Until then nobody can know that it has ended. */
  freeBy?: number;
  killed: boolean;
  refused: boolean;
}

/** A process that limits its calls; several may share a ledger. */
export interface LimitingProcess {
  readonly limiter: Limiter;
  /** Dies as by SIGKILL: nothing of it runs any more, and it has said nothing. */
  readonly kill?: () => void;
}

export interface ModelOptions {
  readonly bounds: Bounds;
  /** Makes another process. */
  readonly start: () => LimitingProcess;
  readonly processes?: number;
  /** How soon each process knows what another has done. */
  readonly settleMs?: number;
  /** How soon the others know that a process is dead. */
  readonly deathKnownMs?: number;
}

type Command =
  | {
      readonly do: "ask";
      readonly process: number;
      readonly worker: number;
      readonly units: number;
    }
  | {
      readonly do: "release" | "abort" | "kill worker" | "kill process" | "correct";
      readonly which: number;
    }
  | { readonly do: "pause"; readonly which: number; readonly ms: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "set the clock"; readonly ms: number };

const which = fc.nat(1000);
const act = <What extends Command["do"]>(
  what: What,
): fc.Arbitrary<{ readonly do: What; readonly which: number }> =>
  fc.record({ do: fc.constant(what), which });

export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      process: fc.nat(3),
      worker: fc.nat(3),
      units: fc.integer({ min: 0, max: 20 }),
    }),
  },
  { weight: 4, arbitrary: act("release") },
  { weight: 1, arbitrary: act("abort") },
  { weight: 1, arbitrary: act("kill worker") },
  { weight: 1, arbitrary: act("kill process") },
  { weight: 2, arbitrary: act("correct") },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("pause" as const), which, ms: fc.nat(3000) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(1500) }),
  },
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
export const bounds: fc.Arbitrary<Bounds> = fc
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

export class LimiterModel {
  readonly bounds: Bounds;
  readonly calls: Call[] = [];
  readonly processes: LimitingProcess[];
  readonly #start: () => LimitingProcess;
  readonly #settleMs: number;
  readonly #deathKnownMs: number;
  readonly #pauses: { from: number; until: number; ended: number }[] = [];

  constructor({ bounds, start, processes = 1, settleMs = 0, deathKnownMs = 0 }: ModelOptions) {
    this.bounds = bounds;
    this.#start = start;
    this.#settleMs = settleMs;
    this.#deathKnownMs = deathKnownMs;
    this.processes = Array.from({ length: processes }, start);
  }

  /** Does all that, and checks after each step what must hold then. */
  async run(commands: readonly Command[]): Promise<void> {
    for (const next of commands) {
      await this.#apply(next);
      expect(this.#held.length).toBeLessThanOrEqual(this.bounds.concurrency);
      expect(this.#isWaitJustified()).toBe(true);
    }
    await this.#finish();
    expect(this.#waiting).toEqual([]);
    for (const { measure, limit, windowMs } of this.bounds.rates)
      expect(worstWindow(this.calls, windowMs, measure)).toBeLessThanOrEqual(limit);
    for (const { grantedAt } of this.calls)
      expect(
        this.#pauses.filter(
          ({ from, until }) => grantedAt !== undefined && grantedAt > from && grantedAt < until,
        ),
      ).toEqual([]);
    await vi.advanceTimersByTimeAsync(10_000);
    await this.#loseNothing();
  }

  get #held(): Call[] {
    return this.calls.filter(({ permit, endedAt }) => permit && endedAt === undefined);
  }

  get #waiting(): Call[] {
    return this.calls.filter(({ permit, refused }) => !permit && !refused);
  }

  async #apply(next: Command): Promise<void> {
    switch (next.do) {
      case "ask":
        this.#ask(next.process, next.worker, next.units);
        break;
      case "release":
        this.#end(pick(this.#held, next.which), next.which, false);
        break;
      case "kill worker":
        this.#killWorker(next.which);
        break;
      case "kill process":
        this.#killProcess(next.which);
        break;
      case "abort":
        pick(this.#waiting, next.which)?.abort.abort();
        break;
      case "correct":
        this.#correct(next.which);
        break;
      case "pause":
        this.#pause(next.which, next.ms);
        break;
      case "wait":
        await vi.advanceTimersByTimeAsync(next.ms);
        break;
      case "set the clock":
        vi.setSystemTime(Date.now() + next.ms);
        break;
    }
    await vi.advanceTimersByTimeAsync(this.#settleMs);
  }

  #ask(process: number, worker: number, asked: number): void {
    const asking = this.processes[process % this.processes.length];
    if (!asking) return;
    const call: Call = {
      process: asking,
      worker,
      asked,
      used: asked,
      abort: new AbortController(),
      killed: false,
      refused: false,
    };
    this.calls.push(call);
    asking.limiter
      .acquire({ units: asked, group: worker, signal: call.abort.signal })
      .then((permit) => {
        call.permit = permit;
        call.grantedAt = performance.now();
      })
      .catch(() => (call.refused = true));
  }

  /** Its process is told, and takes back what the worker held and waited for. */
  #killWorker(random: number): void {
    const victim = pick(this.#held, random);
    const isVictims = ({ process, worker }: Call): boolean =>
      process === victim?.process && worker === victim.worker;
    for (const call of this.#held.filter(isVictims)) {
      this.#end(call, random, true);
      call.permit?.drop();
    }
    for (const call of this.#waiting.filter(isVictims)) call.abort.abort();
  }

  /** Another takes its place. */
  #killProcess(random: number): void {
    const index = random % this.processes.length;
    const victim = this.processes[index];
    if (!victim?.kill) return;
    victim.kill();
    for (const call of this.#waiting.filter(({ process }) => process === victim))
      call.refused = true;
    for (const call of this.#held.filter(({ process }) => process === victim)) {
      this.#end(call, random, true);
      call.freeBy = performance.now() + this.#deathKnownMs;
    }
    this.processes[index] = this.#start();
  }

  #correct(random: number): void {
    const call = pick(this.#held, random);
    if (!call) return;
    call.used = random % (call.used + 1); // what was said to be free may be given away
    call.permit?.used(call.used);
  }

  #pause(random: number, ms: number): void {
    const call = pick(this.#held, random);
    if (!call) return;
    const now = performance.now();
    call.permit?.retryAfter(ms);
    this.#pauses.push({
      from: now,
      until: now + ms,
      ended: now + ms * 1.1 + Math.max(1000, ms * 1.1) + 1 + this.#settleMs,
    });
  }

  #end(call: Call | undefined, random: number, killed: boolean): void {
    if (call?.grantedAt === undefined) return;
    const now = performance.now();
    // A killed holder's call may still be under way.
    const latest = call.grantedAt + this.bounds.transitMs;
    const last = killed ? latest : Math.min(now, latest);
    call.arrivedAt = call.grantedAt + ((last - call.grantedAt) * random) / 1000;
    call.endedAt = call.freeBy = now;
    call.killed = killed;
    if (!killed) call.permit?.release();
  }

  /** Whoever waits has a reason: somebody could not be given a permit by any right. */
  #isWaitJustified(): boolean {
    const now = performance.now();
    const notFree = this.calls.filter(
      ({ permit, freeBy = Infinity }) => permit && now <= freeBy + this.#settleMs,
    );
    if (this.#waiting.length === 0 || notFree.length >= this.bounds.concurrency) return true;
    if (this.#pauses.some(({ ended }) => now <= ended)) return true;
    return this.#waiting.some(({ asked }) =>
      this.bounds.rates.some(({ measure, limit, windowMs }) => {
        const wanted = measure === "requests" ? 1 : asked;
        const counted = this.calls.filter((call) => this.#countsUntil(call, windowMs) >= now);
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
    // A timer may be a millisecond late.
    return Math.max(held, countedAt + windowMs * 1.001 + 3 + this.#settleMs);
  }

  /** Gives everything back until nobody waits, and long enough for every wait. */
  async #finish(): Promise<void> {
    for (let turn = 0; this.#waiting.length + this.#held.length > 0 && turn < 10_000; turn++) {
      for (const call of this.#held) this.#end(call, turn % 1000, false);
      await vi.advanceTimersByTimeAsync(100);
    }
  }

  /** After all that a limiter still gives, at once, as much as a new one. */
  async #loseNothing(): Promise<void> {
    const { rates, concurrency } = this.bounds;
    const most = Math.min(
      concurrency,
      ...rates.filter(({ measure }) => measure === "requests").map(({ limit }) => limit),
    );
    let granted = 0;
    const count = (): number => granted++;
    for (let asked = 0; asked <= most; asked++)
      this.processes[asked % this.processes.length]?.limiter
        .acquire({ units: 0 })
        .then(count)
        .catch(() => undefined);
    await vi.advanceTimersByTimeAsync(this.#settleMs);
    expect(granted).toBe(most);
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
