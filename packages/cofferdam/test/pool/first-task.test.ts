/** The first task is with its worker before that is ready, which reads and writes its first messages
 * in a way of its own. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openScope, type Pool, type PoolOptions, type Scope } from "cofferdam";
import type * as Faults from "../fixtures/faults.ts";
import type * as SlowToLoad from "../fixtures/slow-to-load.ts";
import type * as Work from "../fixtures/work.ts";

const fixture = (name: string): URL => new URL(`../fixtures/${name}.ts`, import.meta.url);

let scope: Scope;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "first-task-"));
  scope = await openScope();
});

afterEach(async () => {
  const report = await scope.close();
  rmSync(folder, { recursive: true });
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

function openSlow(setup: SlowToLoad.Setup, options: PoolOptions = {}): Pool<typeof SlowToLoad> {
  return scope.pool<typeof SlowToLoad>(fixture("slow-to-load"), {
    workers: 2,
    init: setup,
    ...options,
  });
}

it("waits for a module that loads, and sets itself up, in its own time", async () => {
  await using pool = openSlow({ text: "x".repeat(100_000) });
  expect(await pool.run("textLength")).toBe(100_000);
});

it("has its time from when the worker is ready", async () => {
  await using pool = openSlow({ ms: 700 });
  expect(await pool.runWith({ timeout: "400ms" }, "textLength")).toBe(0);
});

it("is done by another worker that is ready before its own", async () => {
  const marker = join(folder, "marker");
  await using pool = openSlow({ marker, trouble: "hang" });
  const first = pool.run("textLength");
  await expect.poll(() => existsSync(marker), { timeout: 30_000 }).toBe(true);
  expect(await Promise.all([first, pool.run("textLength")])).toEqual([0, 0]);
});

it("loses no attempt with a worker that dies before it is ready", async () => {
  const retries = { crash: 0 };
  await using pool = openSlow({ marker: join(folder, "marker"), trouble: "die" }, { retries });
  const attempts: number[] = [];
  const onStart = (attempt: number): unknown => attempts.push(attempt);
  expect(await pool.runWith({ onStart }, "textLength")).toBe(0);
  expect(attempts).toEqual([1]);
  expect(scope.report().tasks.started).toBe(2);
});

it("is cancelled before its worker is ready, which does the next", async () => {
  const marker = join(folder, "marker");
  await using pool = openSlow({ marker, ms: 300 }, { workers: 1 });
  const controller = new AbortController();
  const cancelled = pool.runWith({ signal: controller.signal }, "textLength");
  const started = (): number => scope.report().tasks.started;
  await expect.poll(started, { timeout: 30_000, interval: 1 }).toBe(1);
  controller.abort();
  await expect(cancelled).rejects.toMatchObject({ code: "CANCELLED", attempts: 0 });
  expect(existsSync(marker)).toBe(false);
  expect(await pool.run("textLength")).toBe(0);
  expect(started()).toBe(1);
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
