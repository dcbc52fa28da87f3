/** A worker reads and writes its first messages in a way of its own; see `worker/channel.ts`. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { openScope, type Pool, type PoolOptions, type Scope } from "cofferdam";
import type * as Faults from "../fixtures/faults.ts";
import type * as SlowToLoad from "../fixtures/slow-to-load.ts";
import type * as Work from "../fixtures/work.ts";

const fixture = (name: string): URL => new URL(`../fixtures/${name}.ts`, import.meta.url);

let scope: Scope;

beforeEach(async () => {
  scope = await openScope();
});

afterEach(async () => {
  const report = await scope.close();
  expect(report.processes.left).toBe(0);
});

function openPool(options: PoolOptions = {}): Pool<typeof Faults> {
  return scope.pool<typeof Faults>(fixture("faults"), { workers: 1, ...options });
}

function stopEventLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

it("takes a setup and arguments, and gives a result, that no socket holds at once", async () => {
  const text = "x".repeat(3_000_000);
  await using pool = openPool({ init: { value: text } });
  expect(await pool.run("echo", text)).toBe(text);
  expect(await pool.run("initialised")).toBe(text);
});

it("gives a result that no socket holds to a pool that does not read", async () => {
  await using pool = scope.pool<typeof Work>(fixture("work"), { workers: 1 });
  const { promise: begun, resolve: onProgress } = Promise.withResolvers<number>();
  const text = pool.runWith({ onProgress }, "tellThenText", 5_000_000);
  await begun;
  stopEventLoop(300);
  expect(await text).toHaveLength(5_000_000);
});

it("waits for a module that loads, and sets itself up, in its own time", async () => {
  await using pool = scope.pool<typeof SlowToLoad>(fixture("slow-to-load"), {
    workers: 1,
    init: "x".repeat(100_000),
  });
  expect(await pool.run("givenLength")).toBe(100_000);
});

it("is given a task late, by a pool that was busy", async () => {
  await using pool = openPool();
  const sum = pool.run("add", 1, 2);
  await new Promise((resolve) => setImmediate(resolve));
  stopEventLoop(500);
  expect(await sum).toBe(3);
});

it("cancels a first task that waits, and keeps its worker", async () => {
  await using pool = openPool({ grace: "30s" });
  const controller = new AbortController();
  const { promise: begun, resolve: onMessage } = Promise.withResolvers<unknown>();
  const waiting = pool.runWith({ signal: controller.signal, onMessage }, "waitForCancel");
  await begun;
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: "CANCELLED" });
  expect(await pool.run("add", 1, 2)).toBe(3);
  expect(scope.report().tasks.started).toBe(1);
});

it("runs thousands of tasks that are all there before it is", async () => {
  await using pool = openPool();
  const all = Array.from({ length: 5000 }, (_, index) => pool.run("add", index, 1));
  expect(await Promise.all(all)).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
});
