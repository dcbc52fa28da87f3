import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cache } from "../../src/shared/index.ts";
import { CacheService } from "../../src/shared/cache/cache-service.ts";
import { openCache, type WorkerCache } from "../../src/worker/cache.ts";
import { askIn, holderOf } from "../support/ask.ts";
import { codeAndCause, codeOf } from "../support/code-of.ts";

let folder: string;
let name: string;
let cache: Cache;
let service: CacheService;
let nextName = 1;

function cacheOf(worker: number, task = 1, signal?: AbortSignal): WorkerCache {
  return openCache(askIn(new Map([["cache", service]]), holderOf(worker, task), signal), name);
}

/** A computation that says when it has begun, and ends when it is told to. */
function gated(): {
  compute: () => Promise<unknown>;
  begun: Promise<void>;
  end: (value: unknown) => void;
} {
  const begin = Promise.withResolvers<undefined>();
  const gate = Promise.withResolvers<unknown>();
  const compute = (): Promise<unknown> => {
    begin.resolve(undefined);
    return gate.promise;
  };
  return { compute, begun: begin.promise, end: gate.resolve };
}

const never = (): never => {
  throw new Error("it was computed a second time");
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cache-"));
  name = `test-${nextName++}`;
  cache = new Cache(name, { folder, version: "v" }, () => undefined);
  service = new CacheService((asked) => {
    if (asked === name) return cache;
    throw new Error(`no ${asked}`);
  });
});

afterEach(() => {
  cache.close();
  rmSync(folder, { recursive: true });
});

describe("a worker's cache", () => {
  it("is the parent's", async () => {
    const worker = cacheOf(1);
    expect(await worker.get({ text: "a" })).toBeUndefined();
    await worker.set({ text: "a" }, Float32Array.of(1, 2));
    expect(await cacheOf(2).get({ text: "a" })).toEqual(Float32Array.of(1, 2));
    expect(await cache.get({ text: "a" })).toEqual(Float32Array.of(1, 2));
    await cache.set("b", "c");
    expect(await worker.getOrCompute("b", never)).toBe("c");
    await expect(
      openCache(askIn(new Map([["cache", service]]), holderOf(1)), "other").get(1),
    ).rejects.toThrow("no other");
  });

  it("sees at once what another has changed or removed", async () => {
    const worker = cacheOf(1);
    await cacheOf(2).set("k", "old");
    expect(await worker.get("k")).toBe("old");
    expect(await worker.get("k")).toBe("old");
    await cacheOf(2).set("k", "new");
    expect(await worker.get("k")).toBe("new");
    cache.store.database.transact(() => cache.store.database.clear());
    await new Promise(setImmediate); // whoever learns of it elsewhere learns it in a later callback
    expect(await worker.get("k")).toBeUndefined();
  });

  it("is not changed by who changes what he got", async () => {
    const worker = cacheOf(1);
    await worker.set("k", Float32Array.of(1));
    for (let turn = 0; turn < 3; turn++) {
      const vector = (await worker.get("k")) as Float32Array;
      expect(vector).toEqual(Float32Array.of(1));
      vector[0] = 9;
    }
  });

  it("computes once for all workers and the parent", async () => {
    const { compute, begun, end } = gated();
    const first = cacheOf(1).getOrCompute("k", compute);
    await begun;
    const others = [2, 3, 4].map((worker) => cacheOf(worker).getOrCompute("k", never));
    const parent = cache.getOrCompute("k", never);
    end({ value: [1] });
    expect(await Promise.all([first, ...others, parent])).toEqual(Array(5).fill({ value: [1] }));
  });

  it("has another worker take over when the one that computes dies", async () => {
    const dead = gated();
    void cacheOf(1).getOrCompute("k", dead.compute);
    await dead.begun;
    const next = gated();
    const second = cacheOf(2).getOrCompute("k", next.compute);
    const third = cacheOf(3).getOrCompute("k", never);
    service.release(holderOf(1));
    await next.begun;
    end(next);
    expect(await Promise.all([second, third])).toEqual(["late", "late"]);
    // What the dead one may still have said does not count.
    dead.end("too late");
    expect(await cache.get("k")).toBe("late");
  });

  it("forgets the dead that only waited", async () => {
    const { compute, begun, end: finish } = gated();
    const first = cacheOf(1).getOrCompute("k", compute);
    await begun;
    const dead = codeOf(cacheOf(2).getOrCompute("k", never));
    const task = new AbortController();
    const ended = codeOf(cacheOf(3, 7, task.signal).getOrCompute("k", never));
    await new Promise(setImmediate);
    service.release(holderOf(2));
    task.abort();
    expect(await Promise.all([dead, ended])).toEqual(["CANCELLED", "CANCELLED"]);
    finish(1);
    expect(await first).toBe(1);
  });

  it("rejects as the parent's does for a signal that is aborted, before or while it waits", async () => {
    await cache.set("stored", 1);
    const gone = AbortSignal.abort("gone");
    for (const [key, asked] of [cache, cacheOf(1)].entries()) {
      const asking = (key: string | number, signal: AbortSignal): Promise<unknown> =>
        codeAndCause(asked.getOrCompute(key, never, { signal }));
      expect(await asking(key, gone)).toEqual(["CANCELLED", "gone"]);
      expect(await asking("stored", gone)).toEqual(["CANCELLED", "gone"]);
      const { compute, begun, end } = gated();
      const computing = asked.getOrCompute(key, compute);
      await begun;
      const abort = new AbortController();
      const waiting = asking(key, abort.signal);
      await new Promise(setImmediate);
      abort.abort("later");
      expect(await waiting).toEqual(["CANCELLED", "later"]);
      end(null);
      await computing;
    }
  });

  it("gives the wait up, and the claim that was on its way", async () => {
    const abort = new AbortController();
    const given = codeOf(cacheOf(1).getOrCompute("k", never, { signal: abort.signal }));
    abort.abort();
    expect(await given).toBe("CANCELLED");
    expect(await cacheOf(2).getOrCompute("k", () => 3)).toBe(3);
  });

  it("tells workers that wait how the computation failed", async () => {
    const begin = Promise.withResolvers<undefined>();
    const gate = Promise.withResolvers<never>();
    const first = cacheOf(1).getOrCompute("k", () => {
      begin.resolve(undefined);
      return gate.promise;
    });
    await begin.promise;
    const second = cacheOf(2).getOrCompute("k", never);
    await new Promise(setImmediate);
    gate.reject(new RangeError("too far"));
    await expect(first).rejects.toThrow(RangeError);
    await expect(second).rejects.toMatchObject({ code: "TASK_FAILED", message: "too far" });
    expect(await cacheOf(2).getOrCompute("k", () => 4)).toBe(4);
  });

  it("follows the parent to another file", async () => {
    const worker = cacheOf(1);
    await worker.set("a", 1);
    expect(await worker.get("a")).toBe(1);
    cache.close();
    cache = new Cache(name, { folder: join(folder, "other"), version: "v" }, () => undefined);
    expect(await worker.getOrCompute("b", () => 2)).toBe(2);
    expect(await cache.get("b")).toBe(2);
    expect(await worker.getOrCompute("b", never)).toBe(2);
    expect(await worker.get("a")).toBeUndefined();
  });

  it.each([
    [{ op: "steal" }],
    [{ op: "get" }],
    [{ op: "get", key: "text" }],
    [{ op: "get", key: new Uint8Array(31) }],
    [{ op: "set", key: new Uint8Array(32) }],
    [{ op: "claim", key: new Uint8Array(32), claim: -1 }],
    [{ op: "touch" }],
    [{ op: "put", value: new Uint8Array(1) }],
    [{ op: "fail", claim: "one" }],
  ])("refuses the request %j", async (request) => {
    const asked = service.handle({ name, ...request }, holderOf(9), new AbortController().signal);
    expect(await codeOf(asked)).toBe("INVALID_ARGUMENT");
  });

  it("gives a Python worker, which reads no file, all that it needs", async () => {
    const ask = askIn(new Map([["cache", service]]), holderOf(1));
    const key = new Uint8Array(32).fill(7);
    expect(await ask("cache", { op: "get", name, key })).toEqual({});
    expect(await ask("cache", { op: "claim", name, key, claim: 1 })).toMatchObject({
      compute: true,
    });
    const value = Uint8Array.of(1, 2, 3);
    expect(await ask("cache", { op: "put", claim: 1, value })).toEqual({});
    expect(await ask("cache", { op: "get", name, key })).toEqual({ value });
    expect(await ask("cache", { op: "touch", name, keys: key })).toEqual({});
    expect(await ask("cache", { op: "claim", name, key, claim: 2 })).toMatchObject({ value });
  });
});

function end({ end: finish }: { end: (value: unknown) => void }): void {
  finish("late");
}
