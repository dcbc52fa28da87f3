/** The limiter and the cache from real workers, over their sockets. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openScope, type Pool, type PoolOptions, type Scope } from "cofferdam";
import { LimitedServer } from "../../../../test/support/limited-server.ts";
import type * as Work from "../fixtures/shared-work.ts";
import { codeOf } from "../support/code-of.ts";

const module = new URL("../fixtures/shared-work.ts", import.meta.url);

let scope: Scope;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "shared-"));
  scope = await openScope();
});

afterEach(async () => {
  const report = await scope.close();
  expect(report.processes.left).toBe(0);
  rmSync(folder, { recursive: true });
});

function openPool(workers: number, options: PoolOptions = {}): Pool<typeof Work> {
  return scope.pool<typeof Work>(module, { workers, ...options });
}

describe("workers of one scope", () => {
  it("get the dead ones' permits", async () => {
    const limiter = scope.limiter("slots", { concurrency: 2 });
    const pool = openPool(2, { retries: { crash: 0 } });
    for (let round = 0; round < 3; round++) {
      const dead = [pool.run("dieHolding", "slots"), pool.run("dieHolding", "slots")];
      expect(await Promise.all(dead.map(codeOf))).toEqual(["CRASH", "CRASH"]);
    }
    using first = await limiter.acquire();
    using second = await limiter.acquire();
    expect([first.units, second.units, limiter.waiting]).toEqual([1, 1, 0]);
  });

  it("get what a task has not given back", async () => {
    scope.limiter("slots", { concurrency: 1 });
    const pool = openPool(2);
    await Promise.all(Array.from({ length: 6 }, () => pool.run("leavePermit", "slots")));
    expect(await pool.run("takePermit", "slots", 1)).toBe("taken");
  });

  it("are told what a limiter cannot give, or is not", async () => {
    scope.limiter("tokens", { units: "100/min" });
    const pool = openPool(1);
    expect(await pool.run("takePermit", "tokens", 101)).toBe("OVER_LIMIT");
    expect(await pool.run("takePermit", "slots", 1)).toBe("INVALID_ARGUMENT");
    for (let turn = 0; turn < 5; turn++)
      expect(await pool.run("takePermit", "tokens", 100)).toBe("taken");
  });

  it("are told that a limiter is closed, and given the one that has its name then", async () => {
    const pool = openPool(1);
    scope.limiter("slots", { concurrency: 1 }).close();
    expect(await pool.run("takePermit", "slots", 1)).toBe("CLOSED");
    scope.limiter("slots", { concurrency: 1 });
    expect(await pool.run("takePermit", "slots", 1)).toBe("taken");
  });

  it.each([
    ["once", false, 1],
    ["a second time when the worker that did was killed", true, 2],
  ])("compute one slow value %s, and all get it", async (_, firstDies, times) => {
    scope.cache("values", { folder });
    const gate = await scope.limiter("gate", { concurrency: 1 }).acquire();
    const log = join(folder, "log");
    const pool = openPool(8, { threads: 0 });
    let asking = 0;
    // Nobody is done before all have begun.
    const onMessage = (): void => {
      if (++asking === 8) gate.release();
    };
    const values = Array.from({ length: 8 }, () =>
      pool.runWith({ onMessage }, "slowValue", log, firstDies),
    );
    expect(await Promise.all(values)).toEqual(Array(8).fill(Float32Array.of(1, 2, 3)));
    expect(readFileSync(log, "utf8")).toBe("computing\n".repeat(times));
  });

  it("share what one of them has stored", async () => {
    scope.cache("values", { folder });
    const pool = openPool(2);
    await pool.run("store", "vector", Float32Array.of(1.5, -0));
    const read = await Promise.all(Array.from({ length: 8 }, () => pool.run("readBack", "vector")));
    expect(read).toEqual(Array(8).fill(Float32Array.of(1.5, -0)));
  });

  it("see what was stored last, however often it changes", async () => {
    const cache = scope.cache<number>("values", { folder });
    const pool = openPool(1);
    for (let value = 0; value < 50; value++) {
      await cache.set("changing", value);
      expect(await pool.run("readBack", "changing")).toBe(value);
      expect(await pool.run("readBack", "changing")).toBe(value);
    }
  });

  it("each get a value of their own, which they may change", async () => {
    scope.cache("values", { folder });
    const pool = openPool(1);
    await pool.run("store", "row", { numbers: [1, 2], bytes: Uint8Array.of(3) });
    for (let turn = 0; turn < 3; turn++)
      expect(await pool.run("changeRead", "row")).toEqual([[1, 2], Uint8Array.of(3)]);
  });

  it("may take the parts of their task apart", async () => {
    scope.limiter("slots", { concurrency: 1 });
    scope.cache("values", { folder });
    const told: unknown[] = [];
    const pool = openPool(1);
    const options = { onMessage: (message: unknown) => told.push(message) };
    expect(await pool.runWith(options, "useApart", 7)).toBe(7);
    expect(told).toEqual(["apart"]);
  });

  it("are not refused by a server that enforces the same limit", async () => {
    const [limit, windowMs] = [300, 500];
    await using server = await LimitedServer.listen(limit, windowMs);
    scope.limiter("server", { requests: `${limit}/${windowMs}ms` });
    const pool = openPool(4);
    const calls = Array.from({ length: 4 }, () => pool.run("callServer", server.port, 250, 8));
    expect(await Promise.all(calls)).toEqual([0, 0, 0, 0]);
    expect([server.refused, server.acceptedAt.length]).toEqual([0, 1000]);
  });
});
