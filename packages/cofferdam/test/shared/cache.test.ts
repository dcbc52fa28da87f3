import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { open as openFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openScope, type CacheOptions, type CofferdamEvent } from "cofferdam";
import { Cache } from "../../src/shared/index.ts";
import type * as Work from "../fixtures/shared-work.ts";
import { codeOf } from "../support/code-of.ts";

let folder: string;
let notices: string[];
const caches: Cache[] = [];

function open<Value = unknown>(options: CacheOptions = {}): Cache<Value> {
  const cache = new Cache<Value>("test", { folder, ...options }, (line) => notices.push(line));
  caches.push(cache);
  return cache;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cache-"));
  notices = [];
});

afterEach(() => {
  vi.useRealTimers();
  for (const cache of caches.splice(0)) cache.close();
  rmSync(folder, { recursive: true });
});

describe("a cache", () => {
  it("gives what was stored, to whoever opens it next", async () => {
    const cache = open();
    const vector = Float32Array.of(1, 2.5, -0);
    expect(await cache.get({ text: "a" })).toBeUndefined();
    await cache.set({ text: "a" }, vector);
    await cache.set("b", { list: [1, "two", null] });
    expect(await cache.get({ text: "a" })).toEqual(vector);
    cache.close();
    const again = open();
    expect(await again.get({ text: "a" })).toEqual(vector);
    expect(await again.get("b")).toEqual({ list: [1, "two", null] });
    expect(await open({ version: "2" }).get("b")).toBeUndefined();
  });

  it("computes what is not there, once for all who ask", async () => {
    const cache = open<number>();
    let computed = 0;
    const compute = async (): Promise<number> => {
      await new Promise(setImmediate);
      return ++computed;
    };
    const values = await Promise.all(
      Array.from({ length: 50 }, () => cache.getOrCompute("k", compute)),
    );
    expect(new Set(values)).toEqual(new Set([1]));
    expect(await cache.getOrCompute("k", compute)).toBe(1);
  });

  it("tells all who wait why there is no value, and computes anew for the next", async () => {
    const cache = open<number>();
    const failing = (): Promise<number> => Promise.reject(new TypeError("no"));
    const both = [cache.getOrCompute("k", failing), cache.getOrCompute("k", failing)];
    for (const each of both) await expect(each).rejects.toThrow(TypeError);
    expect(await cache.getOrCompute("k", () => 7)).toBe(7);
    await expect(cache.getOrCompute("f", () => (() => 1) as unknown as number)).rejects.toThrow(
      expect.objectContaining({ code: "NOT_SERIALIZABLE" }),
    );
  });

  it("lets one who waits give up", async () => {
    const cache = open<number>();
    const gate = Promise.withResolvers<number>();
    const first = cache.getOrCompute("k", () => gate.promise);
    const abort = new AbortController();
    const second = cache.getOrCompute("k", () => 2, { signal: abort.signal });
    await new Promise(setImmediate);
    abort.abort();
    expect(await codeOf(second)).toBe("CANCELLED");
    gate.resolve(1);
    expect(await first).toBe(1);
  });

  it("stays within its bytes, and lets go of what was not used for longest", async () => {
    const cache = open<Uint8Array>({ maxBytes: "1 MB" });
    for (let key = 0; key < 300; key++) {
      await cache.set(key, new Uint8Array(10_000));
      await cache.get(0); // used again and again
      expect(cache.totals().bytes).toBeLessThanOrEqual(1_000_000);
    }
    expect(await cache.get(0)).toBeDefined();
    expect(await cache.get(299)).toBeDefined();
    expect(await cache.get(1)).toBeUndefined();
    expect(await codeOf(cache.set("big", new Uint8Array(2_000_000)))).toBe("INVALID_ARGUMENT");
    const huge = await cache.getOrCompute("big", () => new Uint8Array(2_000_000));
    expect(huge.length).toBe(2_000_000);
    expect(cache.store.database.verify()).toEqual([]);
  });

  it("says once that what is computed is too big to be kept, and what to do", async () => {
    const cache = open<Uint8Array>({ maxBytes: 10_000 });
    expect(await codeOf(cache.set("big", new Uint8Array(20_000)))).toBe("INVALID_ARGUMENT");
    expect(notices).toEqual([]); // who stores it has been told
    let computed = 0;
    const compute = (length: number) => (): Uint8Array => {
      computed++;
      return new Uint8Array(length);
    };
    for (let turn = 0; turn < 3; turn++) {
      expect((await cache.getOrCompute("big", compute(20_000))).length).toBe(20_000);
      await cache.getOrCompute("just", compute(9_990)); // but not with what a row costs
      await cache.getOrCompute("small", compute(5_000));
    }
    expect(computed).toBe(7);
    expect(notices).toEqual([
      expect.stringMatching(/a value of 20\d{3} bytes.* cache .* of 10000\. .*Raise `maxBytes`/),
    ]);
  });

  it("forgets when the time to live is over, and when the clock makes the age unknown", async () => {
    const cache = open<string>({ ttl: "10m" });
    vi.useFakeTimers({ toFake: ["Date"] });
    await cache.set("k", "v");
    vi.setSystemTime(Date.now() + 9 * 60_000);
    expect(await cache.get("k")).toBe("v");
    vi.setSystemTime(Date.now() + 60_000);
    expect(await cache.get("k")).toBeUndefined();
    await cache.set("k", "w");
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(await cache.get("k")).toBeUndefined();
  });

  it.each([
    ["no database", (file: string) => writeFile(file, "this is no database\n".repeat(1000))],
    ["cut off", (file: string) => cutOff(file)],
  ])("sets a file aside that is %s, says so, and goes on", async (_, damage) => {
    const first = open<string>();
    for (let key = 0; key < 200; key++) await first.set(key, "v".repeat(1000));
    const { file } = first.store;
    first.close();
    await damage(file);
    const second = open<string>();
    expect(await second.get(150)).toBeUndefined();
    expect(notices).toEqual([expect.stringContaining(`${file} is damaged`)]);
    expect(second.store.file).not.toBe(file);
    await second.set(1, "new");
    expect(await second.get(1)).toBe("new");
    second.close();
    const third = open<string>();
    expect(await third.get(1)).toBe("new");
    expect(notices).toHaveLength(1);
  });

  it("sets its file aside when it is damaged under its hands", async () => {
    const cache = open<string>();
    const value = "v".repeat(8000);
    // More than SQLite keeps in memory.
    for (let key = 0; key < 1000; key++) void cache.set(key, value);
    await cache.set("last", value);
    const { file } = cache.store;
    const other = new DatabaseSync(file);
    other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    await overwriteMiddle(file);
    const read = await Promise.all(
      Array.from({ length: 1000 }, (_, key) => cache.get(key).catch(() => "thrown")),
    );
    other.close();
    expect(read).toContain(undefined);
    expect(read.filter((text) => text !== undefined && text !== value)).toEqual([]);
    expect(notices).toEqual([expect.stringContaining("is damaged")]);
    await cache.set("after", "w");
    expect(await cache.get("after")).toBe("w");
  });

  it("does not give bytes that are not those that were stored", async () => {
    const cache = open<string>();
    await cache.set("k", "right");
    const other = new DatabaseSync(cache.store.file);
    other.exec("UPDATE entries SET value = zeroblob(length(value))");
    other.close();
    expect(await cache.get("k")).toBeUndefined();
    expect(cache.store.database.verify()).toEqual(["1 values are not what was stored"]);
    expect(await cache.getOrCompute("k", () => "anew")).toBe("anew");
  });

  it.each([[{ maxBytes: 0 }], [{ maxBytes: "much" }], [{ ttl: 0 }], [{ ttl: "10" }]])(
    "refuses %j",
    (options) => {
      expect(() => open(options)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    },
  );

  it("says why its folder cannot be used", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(() => open({ folder: join(file, "below") })).toThrow(
      expect.objectContaining({ code: "CACHE_UNUSABLE" }),
    );
  });

  it("tells that as a notice of its scope, once, whoever has computed", async () => {
    const events: CofferdamEvent[] = [];
    await using scope = await openScope({ onEvent: (event) => events.push(event) });
    const cache = scope.cache<string>("values", { folder, maxBytes: 1000 });
    const pool = scope.pool<typeof Work>(new URL("../fixtures/shared-work.ts", import.meta.url), {
      workers: 1,
    });
    expect(await pool.run("compute", "k", "v".repeat(2000))).toBe("v".repeat(2000));
    await cache.getOrCompute("k", () => "v".repeat(2000));
    const told = events.flatMap((event) =>
      event.type === "notice" && event.message.includes("Raise `maxBytes`") ? [event.level] : [],
    );
    expect(told).toEqual(["warning"]);
  });

  it("is closed with its scope", async () => {
    const scope = await openScope();
    const cache = scope.cache<number>("numbers", { folder });
    expect(() => scope.cache("numbers", { folder })).toThrow("already");
    await cache.set(1, 2);
    const first = codeOf(cache.getOrCompute("k", () => 1));
    const second = codeOf(cache.getOrCompute("k", () => 1));
    await scope.close();
    expect(await Promise.all([first, second])).toEqual(["CLOSED", "CLOSED"]);
    expect(await codeOf(cache.set(1, 2))).toBe("CLOSED");
    expect(await codeOf(cache.get(1))).toBe("CLOSED");
    expect(await codeOf(cache.getOrCompute(1, () => 2))).toBe("CLOSED");
    expect(() => cache.totals()).toThrow(expect.objectContaining({ code: "CLOSED" }));
  });

  it("is not opened in a scope that is closed, whether or not another was", async () => {
    const [unused, used] = [await openScope(), await openScope()];
    used.cache("first", { folder: join(folder, "first") });
    await Promise.all([unused.close(), used.close()]);
    for (const scope of [unused, used])
      expect(() => scope.cache("late", { folder: join(folder, "late") })).toThrow(
        expect.objectContaining({ code: "CLOSED" }),
      );
    expect(readdirSync(folder)).toEqual(["first"]);
  });

  it("can be opened again in its scope when it is closed", async () => {
    await using scope = await openScope();
    const first = scope.cache<number>("again", { folder });
    await first.set(1, 2);
    first.close();
    const second = scope.cache<number>("again", { folder });
    first.close(); // a second time: the name is the other's now
    expect(() => scope.cache("again", { folder })).toThrow("already");
    expect(await second.get(1)).toBe(2);
    second.close();
    // Workers have been told the other version, and read the file without asking again.
    expect(() => scope.cache("again", { folder, version: "2" })).toThrow("another name");
  });

  it("has written all that was given to it when it is closed", async () => {
    const cache = open<number>();
    const sets = Array.from({ length: 8000 }, (_, key) => cache.set(key, key)); // many transactions
    cache.close();
    await Promise.all(sets);
    expect(open().totals().entries).toBe(8000);
  });
});

async function cutOff(file: string): Promise<void> {
  const handle = await openFile(file, "r+");
  await handle.truncate(8192 * 3 + 100);
  await handle.close();
}

async function overwriteMiddle(file: string): Promise<void> {
  const handle = await openFile(file, "r+");
  const { size } = await handle.stat();
  for (let at = 8192 * 2; at < size; at += 8192)
    await handle.write(Buffer.alloc(8192, 0xaa), 0, 8192, at);
  await handle.close();
}
