import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openScope, type LimiterOptions, type Scope } from "cofferdam";
import { Backoff } from "../../src/shared/limiter/backoff.ts";
import { FairQueue } from "../../src/shared/limiter/fair-queue.ts";
import { MemoryLedger } from "../../src/shared/limiter/ledger.ts";
import { Limiter, parseBounds } from "../../src/shared/index.ts";
import { codeOf } from "../support/code-of.ts";

let limiter: Limiter;

afterEach(() => {
  vi.useRealTimers();
  limiter.close();
});

function open(options: LimiterOptions, now?: () => number): Limiter {
  const bounds = parseBounds(options);
  return (limiter = new Limiter("test", bounds, new MemoryLedger(bounds, now)));
}

describe("a limiter", () => {
  it("holds no more permits than its concurrency, and gives the next when one comes back", async () => {
    open({ concurrency: 2 });
    const first = await limiter.acquire();
    await limiter.acquire();
    const third = limiter.acquire();
    expect(limiter.waiting).toBe(1);
    first.release();
    await third;
    expect(limiter.waiting).toBe(0);
  });

  it("gives a permit back at the end of its block, once", async () => {
    open({ concurrency: 1 });
    {
      await using permit = await limiter.acquire();
      permit.release();
    }
    using again = await limiter.acquire();
    expect(again.units).toBe(1);
    const waiting = limiter.acquire();
    expect(limiter.waiting).toBe(1);
    again.release();
    await waiting;
  });

  it("counts what was really used", async () => {
    open({ units: "100/h" });
    const permit = await limiter.acquire({ units: 90 });
    permit.used(40);
    const second = await limiter.acquire({ units: 60 });
    second.used(20);
    second.used(30);
    await limiter.acquire({ units: 30 });
    const beyond = limiter.acquire({ units: 1 });
    expect(limiter.waiting).toBe(1);
    permit.used(39);
    await beyond;
  });

  it("counts what was used above what was asked for from then on", async () => {
    let now = 0;
    open({ units: "100/min" }, () => now);
    const permit = await limiter.acquire({ units: 10 });
    now = 50_000;
    permit.used(60);
    permit.release();
    now = 62_000; // the 10 have left their window, the 50 have not
    await limiter.acquire({ units: 50 });
    const waiting = limiter.acquire({ units: 1 });
    expect(limiter.waiting).toBe(1);
    limiter.close();
    expect(await codeOf(waiting)).toBe("CLOSED");
  });

  it("stops everybody after a refusal, and lets them go on one by one", async () => {
    let now = 0;
    open({ requests: "1000/s", concurrency: 100 }, () => now);
    const permit = await limiter.acquire();
    permit.retryAfter("5s");
    permit.release();
    const waiting = Array.from({ length: 10 }, () => limiter.acquire());
    expect(limiter.waiting).toBe(10);
    now = 4999;
    const late = limiter.acquire();
    expect(limiter.waiting).toBe(11);
    now = 5500;
    const last = limiter.acquire();
    expect(limiter.waiting).toBe(11); // one of twelve, not all
    now = 60_000;
    await Promise.all([...waiting, late, last]);
  });

  it("gives the next permit when it has recovered, not a slow rate's gap later", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    open({ requests: ["10/s", "1500/day"], transit: 0 });
    const permit = await limiter.acquire();
    permit.retryAfter(500);
    permit.release();
    const given: number[] = [];
    for (let asked = 0; asked < 2; asked++)
      void limiter.acquire().then(() => given.push(performance.now()));
    const refusedAt = performance.now();
    await vi.advanceTimersByTimeAsync(500 * 1.1 + 1000 + 2); // the jitter's most, and the recovery
    expect(given.map((at) => at - refusedAt >= 500)).toEqual([true, true]);
  });

  it.each([
    ["2", 2000],
    ["250ms", 250],
    [250, 250],
    [new Date(Date.now() + 100_000).toUTCString(), 90_000],
  ])("understands Retry-After %j", async (after, atLeastMs) => {
    let now = 0;
    open({ concurrency: 10 }, () => now);
    (await limiter.acquire()).retryAfter(after);
    now = atLeastMs - 1;
    const waiting = limiter.acquire();
    expect(limiter.waiting).toBe(1);
    limiter.close();
    expect(await codeOf(waiting)).toBe("CLOSED");
  });

  it("takes who has given up out of the queue at once", async () => {
    open({ concurrency: 1 });
    const permit = await limiter.acquire();
    const abort = new AbortController();
    const given = limiter.acquire({ signal: abort.signal });
    const patient = limiter.acquire();
    expect(limiter.waiting).toBe(2);
    abort.abort();
    expect(limiter.waiting).toBe(1);
    expect(await codeOf(given)).toBe("CANCELLED");
    expect(await codeOf(limiter.acquire({ signal: abort.signal }))).toBe("CANCELLED");
    permit.release();
    await patient;
  });

  it("refuses whoever does not fit its queue", async () => {
    open({ concurrency: 1, queue: 2 });
    await limiter.acquire();
    const waiting = [limiter.acquire(), limiter.acquire()];
    expect(await codeOf(limiter.acquire())).toBe("QUEUE_FULL");
    limiter.close();
    expect(await Promise.all(waiting.map(codeOf))).toEqual(["CLOSED", "CLOSED"]);
    expect(await codeOf(limiter.acquire())).toBe("CLOSED");
  });

  it("refuses units that no window ever has room for, and waits for those that it has", async () => {
    open({ units: ["100/s", "150/min"] });
    expect(await codeOf(limiter.acquire({ units: 101 }))).toBe("OVER_LIMIT");
    expect(await codeOf(limiter.acquire({ units: -1 }))).toBe("INVALID_ARGUMENT");
    expect(await codeOf(limiter.acquire({ units: 0.5 }))).toBe("INVALID_ARGUMENT");
    const permit = await limiter.acquire({ units: 100 });
    expect(() => permit.used(NaN)).toThrow("used units");
    expect(() => permit.retryAfter("soon")).toThrow("no time to wait");
    permit.release();
    expect(() => permit.used(1)).toThrow("given back already");
  });

  it("takes turns between workers, whoever asks for how many", async () => {
    open({ concurrency: 1 });
    let held = await limiter.acquire();
    const order: string[] = [];
    const ask = (group: string): void => {
      void limiter.acquire({ group }).then((permit) => {
        order.push(group);
        held = permit;
      });
    };
    for (const group of "aaaaaabbc".split("")) ask(group);
    while (limiter.waiting > 0) {
      held.release();
      await new Promise(setImmediate);
    }
    expect(order.join("")).toBe("abcabaaaa");
  });
});

describe("pauses after refusals", () => {
  it("grow from one to the next where no time was given, up to a minute, and begin anew", () => {
    const backoff = new Backoff(parseBounds({ requests: "10/s" }), () => 1);
    let now = 0;
    const pauseMs = (): number => {
      backoff.pause(now, undefined);
      const from = now;
      backoff.pause(now + 1, undefined); // refused together with the first: not another one
      now = backoff.earliest(now + 1);
      return now - from;
    };
    const pauses = Array.from({ length: 8 }, pauseMs);
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    now += 60_001;
    backoff.granted(now);
    expect(pauseMs()).toBe(1000);
  });

  it("end at the even pace of the rate, with jitter", () => {
    let random = 0;
    const backoff = new Backoff(parseBounds({ requests: ["10/s", "300/min"] }), () => random);
    backoff.pause(0, 2000);
    expect(backoff.earliest(1)).toBe(2000);
    backoff.granted(2000);
    expect(backoff.earliest(2000)).toBe(2100); // half of 60 s / 300
    random = 1;
    backoff.granted(2100);
    expect(backoff.earliest(2100)).toBe(2400);
    expect(backoff.earliest(4000)).toBe(-Infinity);
  });

  it("are over after as long again, however far apart the rate's permits are", () => {
    const backoff = new Backoff(parseBounds({ requests: ["10/s", "1500/day"] }), () => 0);
    backoff.pause(0, 2000);
    backoff.granted(2000); // the next by the day's pace alone would be half a minute later
    expect(backoff.earliest(2001)).toBe(4000);
    expect(backoff.earliest(4000)).toBe(-Infinity);
  });

  it("do not shorten one another", () => {
    const backoff = new Backoff(parseBounds({ requests: "10/s" }), () => 0);
    backoff.pause(0, 5000);
    backoff.pause(1, 10);
    expect(backoff.earliest(2)).toBe(5000);
  });
});

describe("limits that are none", () => {
  it.each([
    [{}],
    [{ requests: "fast" }],
    [{ requests: "0/min" }],
    [{ requests: "-5/min" }],
    [{ requests: "1.5/min" }],
    [{ requests: "10" }],
    [{ requests: "10/0s" }],
    [{ requests: "10/fortnight" }],
    [{ requests: 10 as unknown as string }],
    [{ units: ["10/s", ""] }],
    [{ concurrency: 0 }],
    [{ concurrency: -1 }],
    [{ concurrency: 1.5 }],
    [{ concurrency: 1, queue: 0 }],
    [{ concurrency: 1, transit: "10" }],
  ])("%j is refused", (options) => {
    limiter = new Limiter(
      "none",
      parseBounds({ concurrency: 1 }),
      new MemoryLedger(parseBounds({ concurrency: 1 })),
    );
    expect(() => parseBounds(options)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  it.each([
    ["3000/min", 3000, 60_000],
    ["10/s", 10, 1000],
    ["500 / 15s", 500, 15_000],
    ["1500/day", 1500, 86_400_000],
    ["7/hour", 7, 3_600_000],
    ["9/1.5s", 9, 1500],
  ])("%s is understood", (text, limit, windowMs) => {
    expect(parseBounds({ requests: text }).rates).toEqual([
      { measure: "requests", limit, windowMs, text },
    ]);
  });
});

describe("a scope's limiter", () => {
  let scope: Scope;

  it("is closed with the scope", async () => {
    scope = await openScope();
    limiter = scope.limiter("shared", { concurrency: 1 });
    expect(() => scope.limiter("shared", { concurrency: 1 })).toThrow("already");
    expect(() => scope.limiter("../up", { concurrency: 1 })).toThrow("no name");
    await limiter.acquire();
    const waiting = codeOf(limiter.acquire());
    await scope.close();
    expect(await waiting).toBe("CLOSED");
    expect(await codeOf(limiter.acquire())).toBe("CLOSED");
  });

  it("is not opened in a scope that is closed, whether or not another was", async () => {
    const folder = mkdtempSync(join(tmpdir(), "limiter-"));
    const [unused, used] = [await openScope(), await openScope()];
    limiter = used.limiter("first", { concurrency: 1 });
    await Promise.all([unused.close(), used.close()]);
    for (scope of [unused, used])
      expect(() => scope.limiter("late", { concurrency: 1, shared: folder })).toThrow(
        expect.objectContaining({ code: "CLOSED" }),
      );
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  it("can be opened again when it is closed", async () => {
    await using own = await openScope();
    const first = own.limiter("again", { concurrency: 1 });
    await first.acquire();
    first.close();
    limiter = own.limiter("again", { concurrency: 1 });
    first.close(); // a second time: the name is the other's now
    expect(() => own.limiter("again", { concurrency: 1 })).toThrow("already");
    expect((await limiter.acquire()).units).toBe(1);
  });
});

describe("a queue in turns", () => {
  it("gives each group its turn, and forgets what is removed", () => {
    const queue = new FairQueue<string, number>();
    for (const [group, item] of [
      ["a", 1],
      ["a", 2],
      ["b", 3],
      ["a", 4],
      ["c", 5],
    ] as const)
      queue.add(group, item);
    expect(queue.remove("b", 3)).toBe(true);
    expect(queue.remove("b", 3)).toBe(false);
    expect([queue.take(), queue.take(), queue.first(), queue.take(), queue.take()]).toEqual([
      1, 5, 2, 2, 4,
    ]);
    expect([queue.take(), queue.first(), queue.size]).toEqual([undefined, undefined, 0]);
  });
});
