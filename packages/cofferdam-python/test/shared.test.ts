/** Limits and caches of the scope, from Python workers. */
import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { hashKey } from "../../cofferdam/src/worker/cache-key.ts";
import { packValue } from "../../cofferdam/src/worker/stored-value.ts";
import { nested } from "./support/nested.ts";
import { failureOf, usePools } from "./support/pools.ts";

const pools = usePools();

describe("a limit", () => {
  it("is held for a block, and given back at its end", async () => {
    const limiter = pools.scope.limiter("slots", { concurrency: 1, units: "10/s" });
    await using pool = pools.open("tasks.py", { workers: 2 });
    expect(await pool.run("hold", "slots", 3)).toBe(3);
    expect(await pool.run("hold", "slots", 4)).toBe(4);
    await Promise.all(Array.from({ length: 10 }, () => pool.run("hold_async", "slots", 0.001)));
    using permit = await limiter.acquire();
    expect(permit.units).toBe(1);
  });

  it("is given back by a worker that was killed", async () => {
    const limiter = pools.scope.limiter("slots", { concurrency: 1 });
    await using pool = pools.open("tasks.py");
    const held = failureOf(pool.runWith({ timeout: "1s" }, "hold_for_ever", "slots"));
    expect(await held).toMatchObject({ code: "TIMEOUT" });
    using permit = await limiter.acquire();
    expect(permit.units).toBe(1);
  });

  it("says what it cannot give", async () => {
    pools.scope.limiter("tokens", { units: "100/min" });
    await using pool = pools.open("tasks.py");
    const tooMany = await failureOf(pool.run("hold", "tokens", 101));
    expect(tooMany.remote).toMatchObject({ name: "CofferdamError", code: "OVER_LIMIT" });
    const none = await failureOf(pool.run("hold", "nothing", 1));
    expect(none.remote).toMatchObject({ code: "INVALID_ARGUMENT" });
    const released = await failureOf(pool.run("use_released", "tokens"));
    expect(released.remote).toMatchObject({ code: "CLOSED" });
    const never = await failureOf(pool.run("pause", "tokens", "soon"));
    expect(never.remote).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it.each([0.05, "0.05", "Thu, 01 Jan 1970 00:00:00 GMT"])("is paused for %s", async (after) => {
    pools.scope.limiter("slots", { concurrency: 1 });
    await using pool = pools.open("tasks.py");
    await pool.run("pause", "slots", after);
    expect(await pool.run("hold", "slots", 1)).toBe(1);
  });
});

describe("a service", () => {
  it.each(["call", "call_async", "call_in_own_loop"])("answers %s", async (name) => {
    pools.scope.limiter("slots", { concurrency: 100 });
    await using pool = pools.open("tasks.py");
    const request = { op: "acquire", name: "slots", units: 1, permit: 1_000_000 };
    expect(await pool.run(name, "limit", request)).toEqual({});
    const error = await failureOf(pool.run(name, "nobody", {}));
    expect(error.remote).toMatchObject({ name: "CofferdamError", code: "INVALID_ARGUMENT" });
  });

  it.each(["call_in_threads", "call_in_threads_of_loop"])("answers many: %s", async (name) => {
    pools.scope.limiter("slots", { concurrency: 1000 });
    await using pool = pools.open("tasks.py");
    const requests = Array.from({ length: 100 }, (_, index) => ({
      op: "acquire",
      name: "slots",
      units: 1,
      permit: 1_000_000 + index,
    }));
    expect(await pool.run(name, "limit", requests)).toEqual(requests.map(() => ({})));
    expect(await pool.run("add", 1, 2)).toBe(3);
  });
});

describe("a cache", () => {
  it.each(["cached", "cached_async"])("keeps values: %s", async (name) => {
    pools.scope.cache("values", { folder: mkdtempSync(join(tmpdir(), "c-")) });
    await using pool = pools.open("tasks.py", { workers: 2 });
    const value = { numbers: Float32Array.of(1, 2), text: "ä" };
    expect(await pool.run(name, "values", { a: 1, b: 2 }, value)).toEqual(["nothing", value]);
    expect(await pool.run(name, "values", { b: 2, a: 1 }, 7)).toEqual([value, 7]);
  });

  it("is read without a question to the pool, but for what is not there", async () => {
    const cache = pools.scope.cache("values", { folder: mkdtempSync(join(tmpdir(), "c-")) });
    await Promise.all([1, 2, 3].map((key) => cache.set(key, key * key)));
    await using pool = pools.open("tasks.py");
    expect(await pool.run("questions_of", "values", [1, 2, 3])).toEqual([0, [1, 4, 9]]);
    expect(await pool.run("questions_of", "values", [3, 4, 5])).toEqual([2, [9, null, null]]);
  });

  it("gives what was stored last, however often it changes", async () => {
    const cache = pools.scope.cache("values", { folder: mkdtempSync(join(tmpdir(), "c-")) });
    await using pool = pools.open("tasks.py");
    for (let value = 0; value < 20; value++) {
      await cache.set("k", value);
      expect(await pool.run("cached", "values", "k", value)).toEqual([value, value]);
    }
  });

  it("gives each who reads a value of their own", async () => {
    const cache = pools.scope.cache("values", { folder: mkdtempSync(join(tmpdir(), "c-")) });
    await cache.set("k", { numbers: [1, 2], floats: Float32Array.of(3) });
    await using pool = pools.open("tasks.py");
    for (let turn = 0; turn < 3; turn++)
      expect(await pool.run("read_twice", "values", "k")).toEqual([[1, 2], Float32Array.of(3)]);
  });

  it("gives values however deeply they are nested", async () => {
    const cache = pools.scope.cache("values", { folder: mkdtempSync(join(tmpdir(), "c-")) });
    const { value, beside } = nested();
    await cache.set("k", value);
    await using pool = pools.open("tasks.py");
    expect(await pool.run("levels_stored", "values", "k")).toBe(beside.length);
  });

  it("may be read by many threads at once", async () => {
    const cache = pools.scope.cache("values", { folder: mkdtempSync(join(tmpdir(), "c-")) });
    const keys = Array.from({ length: 200 }, (_, key) => key);
    await Promise.all(keys.map((key) => cache.set(key, `value ${key}`)));
    await using pool = pools.open("tasks.py");
    expect(await pool.run("read_in_threads", "values", [...keys, ...keys])).toEqual(
      [...keys, ...keys].map((key) => `value ${key}`),
    );
  });

  it("gives nothing that has expired", async () => {
    const folder = mkdtempSync(join(tmpdir(), "c-"));
    const cache = pools.scope.cache("values", { folder, ttl: "1h" });
    await cache.set("k", 1);
    await using pool = pools.open("tasks.py");
    expect(await pool.run("questions_of", "values", ["k"])).toEqual([0, [1]]);
    const { database } = cache.store;
    const key = hashKey("", "k");
    database.transact(() =>
      database.put({ key, value: packValue(1), expiresAt: Date.now() - 1 }, database.nextTick()),
    );
    expect(await pool.run("questions_of", "values", ["k"])).toEqual([1, [null]]);
  });

  it("gives no bytes that are not those that were stored", async () => {
    const cache = pools.scope.cache("values", { folder: mkdtempSync(join(tmpdir(), "c-")) });
    await cache.set("k", "right");
    const other = new DatabaseSync(cache.store.file);
    other.exec("UPDATE entries SET value = zeroblob(length(value))");
    other.close();
    await using pool = pools.open("tasks.py");
    expect(await pool.run("cached", "values", "k", "anew")).toEqual(["nothing", "anew"]);
  });

  it("goes on in another file when its own is damaged", async () => {
    const cache = pools.scope.cache("values", { folder: mkdtempSync(join(tmpdir(), "c-")) });
    const value = "v".repeat(8000);
    // More than SQLite keeps in memory.
    const keys = Array.from({ length: 1000 }, (_, key) => key);
    await Promise.all(keys.map((key) => cache.set(key, value)));
    await using pool = pools.open("tasks.py");
    expect(await pool.run("cached", "values", 0, value)).toEqual([value, value]);
    const { file } = cache.store;
    const other = new DatabaseSync(file);
    other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    other.close();
    const { size } = statSync(file);
    await using handle = await open(file, "r+");
    await handle.write(Buffer.alloc(size / 2, 0xaa), 0, size / 2, Math.floor(size / 4));
    const read = (await pool.run("read_in_threads", "values", keys)) as unknown[];
    expect(read).toContain(null);
    expect(read.filter((text) => text !== null && text !== value)).toEqual([]);
    expect(cache.store.file).not.toBe(file);
    expect(await pool.run("compute_seven", "values", "after")).toBe(7);
    expect(await pool.run("questions_of", "values", ["after"])).toEqual([0, [7]]);
  });

  it.each([
    ["mixed", { "😀": 2, "\ue000": 1, a: {}, ö: [null, true, false, 1, 0, 2.5, "ä😀"] }],
    ["bytes", Uint8Array.of(97, 98, 99)],
    ["floats", Float32Array.of(1, 2)],
    ["big", 2n ** 64n],
    ["tuple", [1, "two"]],
  ])("has the same keys as in Node: %s", async (kind, key) => {
    const cache = pools.scope.cache("values", { folder: mkdtempSync(join(tmpdir(), "c-")) });
    await using pool = pools.open("tasks.py");
    await pool.run("store_under", "values", kind);
    expect(await cache.get(key)).toBe(kind);
  });

  it.each([
    ["nan", "key is nan"],
    ["set", "key is a set"],
    ["number", "key is a dict with the key 1"],
    ["half", "key is text with half a character"],
  ])("refuses what can be no key: %s", async (kind, message) => {
    pools.scope.cache("values", { folder: mkdtempSync(join(tmpdir(), "c-")) });
    await using pool = pools.open("tasks.py");
    const { remote } = await failureOf(pool.run("use_key", "values", kind));
    expect(remote).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(remote?.message).toContain(message);
  });

  it.each([
    ["once", "compute_slowly", false, 1],
    ["once in coroutines", "compute_slowly_async", false, 1],
    ["again when the worker that did died", "compute_slowly", true, 2],
  ])("computes a value %s, however many ask", async (_, name, dies, times) => {
    const folder = mkdtempSync(join(tmpdir(), "c-"));
    pools.scope.cache("values", { folder });
    const log = join(folder, "log");
    await using pool = pools.open("tasks.py", { workers: 4, threads: 0 });
    const values = Array.from({ length: 8 }, () => pool.run(name, "values", log, dies));
    expect(await Promise.all(values)).toEqual(values.map(() => [1, 2, 3]));
    expect(readFileSync(log, "utf8")).toBe("computing\n".repeat(times));
  });

  it("tells what failed to be computed", async () => {
    pools.scope.cache("values", { folder: mkdtempSync(join(tmpdir(), "c-")) });
    await using pool = pools.open("tasks.py");
    const { remote } = await failureOf(pool.run("compute_and_fail", "values"));
    expect(remote).toMatchObject({ name: "LookupError", message: "no such model" });
  });
});
