import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Limiter, parseBounds, type LimiterOptions } from "../../src/shared/index.ts";
import { MemoryLedger } from "../../src/shared/limiter/ledger.ts";
import { LimitService } from "../../src/shared/limiter/limit-service.ts";
import { acquirePermit } from "../../src/worker/limit.ts";
import type { Permit, PermitOptions } from "../../src/worker/permit.ts";
import { askIn, holderOf } from "../support/ask.ts";
import { codeAndCause, codeOf } from "../support/code-of.ts";

let limiter: Limiter;
let service: LimitService;
let services: Map<string, LimitService>;

function open(options: LimiterOptions): void {
  const bounds = parseBounds(options);
  limiter = new Limiter("api", bounds, new MemoryLedger(bounds));
}

type Limit = (name: string, options?: PermitOptions) => Promise<Permit>;

function limitOf(worker: number, task = 1, signal?: AbortSignal): Limit {
  const ask = askIn(services, holderOf(worker, task), signal);
  return (name, options) => acquirePermit(ask, name, options);
}

function limitTo(worker: number): (options: PermitOptions) => Promise<Permit> {
  const limit = limitOf(worker);
  return (options) => limit("api", options);
}

beforeEach(() => {
  service = new LimitService((name) => {
    if (name === "api") return limiter;
    throw new Error(`no ${name}`);
  });
  services = new Map([["limit", service]]);
});

afterEach(() => limiter.close());

describe("a worker's permits", () => {
  it("are given back at the end of their block", async () => {
    open({ concurrency: 1 });
    const limit = limitOf(1);
    {
      await using permit = await limit("api", { units: 3 });
      expect(permit.units).toBe(3);
    }
    (await limitOf(2)("api")).release();
    await limitOf(3)("api");
  });

  it("are free at once when the worker dies, and only that worker's", async () => {
    open({ concurrency: 3 });
    await limitOf(1, 1)("api");
    await limitOf(1, 2)("api");
    await limitOf(2)("api");
    const waiting = [limitOf(3)("api"), limitOf(3)("api"), limitOf(3)("api")];
    service.release(holderOf(1, 1));
    service.release(holderOf(1, 2));
    await Promise.all(waiting.slice(0, 2));
    expect(limiter.waiting).toBe(1);
    service.release(holderOf(2, 1));
    await waiting[2];
  });

  it("are free when their task ends, and the worker's other task keeps its own", async () => {
    open({ concurrency: 2 });
    await limitOf(1, 1)("api");
    await limitOf(1, 2)("api");
    const next = [limitOf(2)("api"), limitOf(2)("api")];
    service.release(holderOf(1, 1));
    await next[0];
    expect(limiter.waiting).toBe(1);
    service.release(holderOf(1, 2));
    await next[1];
  });

  it("are not waited for any more by the dead", async () => {
    open({ concurrency: 1 });
    const permit = await limitOf(1)("api");
    const dead = codeOf(limitOf(2)("api"));
    const patient = limitOf(3)("api");
    service.release(holderOf(2));
    expect(await dead).toBe("CANCELLED");
    const end = new AbortController();
    const ending = codeOf(limitOf(4, 1, end.signal)("api"));
    expect(limiter.waiting).toBe(2);
    end.abort();
    expect(await ending).toBe("CANCELLED");
    permit.release();
    await patient;
  });

  it("can be given up while they are waited for, and as they come", async () => {
    open({ concurrency: 1, requests: "2/h" });
    const permit = await limitOf(1)("api");
    const abort = new AbortController();
    const waiting = limitOf(2)("api", { signal: abort.signal });
    permit.release();
    abort.abort(); // it is on its way
    expect(await codeOf(waiting)).toBe("CANCELLED");
    // Neither the lease nor the request is lost.
    (await limitOf(3)("api")).release();
  });

  it("are refused as the parent's are for a signal that is aborted, before or while it waits", async () => {
    open({ concurrency: 1 });
    await limitOf(1)("api");
    for (const acquire of [(options: PermitOptions) => limiter.acquire(options), limitTo(2)]) {
      const signal = AbortSignal.abort("gone");
      expect(await codeAndCause(acquire({ signal }))).toEqual(["CANCELLED", "gone"]);
      const abort = new AbortController();
      const waiting = codeAndCause(acquire({ signal: abort.signal }));
      expect(limiter.waiting).toBe(1);
      abort.abort("later");
      expect(await waiting).toEqual(["CANCELLED", "later"]);
      expect(limiter.waiting).toBe(0);
    }
  });

  it("can be corrected, and tell everybody to wait", async () => {
    open({ units: "100/h" });
    const permit = await limitOf(1)("api", { units: 100 });
    permit.used(10);
    const second = await limitOf(2)("api", { units: 90 });
    second.retryAfter("1h");
    const waiting = codeOf(limitOf(3)("api", { units: 0 }));
    expect(limiter.waiting).toBe(1);
    limiter.close();
    expect(await waiting).toBe("CLOSED");
  });

  it("hold what they ask for against what the parent cannot give", async () => {
    open({ units: "100/h" });
    const limit = limitOf(1);
    expect(await codeOf(limit("api", { units: 101 }))).toBe("OVER_LIMIT");
    expect(await codeOf(limit("api", { units: -1 }))).toBe("INVALID_ARGUMENT");
    await expect(limit("other")).rejects.toThrow("no other");
    const permit = await limit("api");
    permit.release();
    permit.release();
    expect(() => permit.used(3)).toThrow("given back already");
  });

  it.each([
    [{ op: "grab" }],
    ["grab"],
    [{ op: "acquire" }],
    [{ op: "acquire", name: "api", permit: 1 }],
    [{ op: "acquire", name: "api", units: 1, permit: "1" }],
    [{ op: "used", permit: 1.5, units: 1 }],
    [{ op: "pause", permit: 7, ms: "soon" }],
  ])("refuses the request %j", async (request) => {
    open({ concurrency: 1 });
    await limitOf(1)("api");
    const own = holderOf(9);
    const signal = new AbortController().signal;
    await service.handle({ op: "release", permit: 1 }, own, signal); // not its own: nothing happens
    const asked = service.handle(request, own, signal);
    expect(await codeOf(asked)).toBe("INVALID_ARGUMENT");
    expect(limiter.waiting).toBe(0);
  });
});
