import { describe, expect, it } from "vitest";
import type { Pool } from "cofferdam";
import { failureOf, usePools, type Functions } from "./support/pools.ts";

const pools = usePools();

/** Cancels the call when its function has said that it runs. */
async function cancelRunning(pool: Pool<Functions>, name: string, ...args: unknown[]) {
  const abort = new AbortController();
  const onProgress = (): void => abort.abort();
  return failureOf(pool.runWith({ signal: abort.signal, onProgress }, name, ...args));
}

describe("a cancelled task", () => {
  it.each(["until_cancelled", "sleep_long"])(
    "that listens ends by itself, and its worker lives on: %s",
    async (name) => {
      await using pool = pools.open("tasks.py", { grace: "60s" });
      const pid = await pool.run("pid");
      expect(await cancelRunning(pool, name)).toMatchObject({ code: "CANCELLED" });
      expect(await pool.run("pid")).toBe(pid);
    },
  );

  it("of a coroutine is cleaned up by it", async () => {
    await using pool = pools.open("tasks.py", { grace: "60s" });
    await cancelRunning(pool, "sleep_long");
    expect(await pool.run("was_cleaned")).toBe(true);
  });

  it("may return nevertheless, and its worker lives on", async () => {
    await using pool = pools.open("tasks.py", { grace: "60s" });
    const pid = await pool.run("pid");
    expect(await cancelRunning(pool, "until_cancelled_then_return")).toMatchObject({
      code: "CANCELLED",
    });
    expect(await pool.run("pid")).toBe(pid);
  });

  it.each(["sleep", "swallow_cancellation"])(
    "that does not end is ended with its worker: %s",
    async (name) => {
      await using pool = pools.open("tasks.py");
      const pid = await pool.run("pid");
      const abort = new AbortController();
      const failed = failureOf(
        pool.runWith(
          { signal: abort.signal, onStart: () => setImmediate(() => abort.abort()) },
          name,
          ...(name === "sleep" ? [600] : []),
        ),
      );
      expect(await failed).toMatchObject({ code: "CANCELLED" });
      expect(await pool.run("pid")).not.toBe(pid);
    },
  );

  it("that waits for an answer is woken", async () => {
    await using pool = pools.open("tasks.py", { grace: "60s", workers: 2 });
    pools.scope.limiter("one", { concurrency: 1 });
    const pid = await pool.run("pid");
    const abort = new AbortController();
    const held = new Promise<void>((resolve) => {
      const options = { signal: abort.signal, onProgress: () => resolve() };
      void failureOf(pool.runWith(options, "hold_async", "one", 600));
    });
    await held;
    expect(await cancelRunning(pool, "wait_for_permit", "one")).toMatchObject({
      code: "CANCELLED",
    });
    abort.abort();
    expect(pid).toBeTypeOf("number");
  });

  it("that had not begun costs nobody anything", async () => {
    await using pool = pools.open("tasks.py");
    for (let call = 0; call < 20; call++) await pool.run("add", 1, 2);
    const abort = new AbortController();
    const slow = pool.run("sleep", 0.2);
    const settled = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0
        ? pool.run("add", index, 0)
        : pool.runWith({ signal: abort.signal }, "add", index, 0).catch(() => "cancelled"),
    );
    abort.abort();
    await slow;
    const values = await Promise.all(settled);
    expect(values).toEqual(values.map((_, index) => (index % 2 === 0 ? index : "cancelled")));
  });
});
