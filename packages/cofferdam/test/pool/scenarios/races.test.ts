/** Fault scenarios 13 to 23: kills that race with work, deadlines, cancelling. */
import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import type { FaultPool } from "./languages.ts";
import { failureOf, openFaultPool, started } from "./languages.ts";
import { childrenOf } from "../../../../../test/support/processes.ts";
import { forEachLanguage, killWorker } from "./support.ts";

forEachLanguage((language, stage) => {
  const open = (options = {}): FaultPool => openFaultPool(stage().scope, language, options);

  // In a namespace workers do not see each other: what kills them all at once is outside.
  it.each([1, 2, 5, 13])("13: %i workers are killed at once, again and again", async (count) => {
    await using pool = open({ workers: count, retries: { crash: 20 } });
    const inputs = Array.from({ length: 60 }, (_, index) => index);
    const all = inputs.map((input) => pool.run("add", input, 1));
    for (let round = 0; round < 3; round++) {
      await Promise.race(all.slice(round * 20));
      for (const worker of stage().workers) killWorker(worker);
    }
    expect(await Promise.all(all)).toEqual(inputs.map((input) => input + 1));
  });

  it("13: a worker that is as good as dead when it is given a task costs none", async () => {
    await using pool = open({ workers: 1, retries: { crash: 0 } });
    expect(await pool.run("add", 1, 1)).toBe(2);
    const top = stage().workers[0] ?? 0;
    const worker = childrenOf(top)[0]?.pid ?? top;
    process.kill(worker, "SIGSTOP");
    const running = pool.run("add", 2, 2);
    await new Promise((resolve) => setImmediate(resolve));
    process.kill(worker, "SIGKILL");
    expect(await running).toBe(4);
  });

  it("14: killed, then resized, and resized while being killed", async () => {
    await using pool = open({ workers: 6, retries: { crash: 50 } });
    for (const size of [2, 1, 6, 3, 8, 1]) {
      const all = Array.from({ length: 20 }, (_, index) => pool.run("sleep", index % 5));
      await all[0];
      for (const worker of stage().workers) killWorker(worker);
      pool.resize(size);
      await all[10];
      for (const worker of stage().workers) killWorker(worker);
      expect(await Promise.all(all)).toHaveLength(20);
      expect(pool.size).toBe(size);
    }
  });

  it("15: a worker that ends itself by SIGTERM settles its task; all of them do", async () => {
    await using pool = open({ retries: { crash: 0 } });
    const all = Array.from({ length: 4 }, () => failureOf(pool.run("killItself", "SIGTERM")));
    for (const error of await Promise.all(all)) expect(error.code).toBe("CRASH");
    expect(await pool.run("add", 1, 1)).toBe(2);
  });

  it("15: a stopped worker is ended at its deadline", async () => {
    await using pool = open({ timeout: "1s" });
    expect(await failureOf(pool.run("stopItself"))).toMatchObject({ code: "TIMEOUT" });
    expect(await pool.run("add", 1, 1)).toBe(2);
  });

  it("16: memory run out is its own error, not tried again, and the next worker is not hit", async () => {
    await using pool = open({ workers: 1, memory: "400 MB" });
    const hungry = failureOf(pool.run("takeMemory"));
    const next = Array.from({ length: 5 }, (_, index) => pool.run("add", index, 1));
    expect(await hungry).toMatchObject({ code: "MEMORY", attempts: 1 });
    expect(await Promise.all(next)).toEqual([1, 2, 3, 4, 5]);
  });

  it("17: a task that always kills its worker is tried so often as asked, and no more", async () => {
    await using pool = open({ workers: 1, retries: { crash: 4 } });
    let attempts = 0;
    const error = await failureOf(pool.runWith({ onStart: () => attempts++ }, "exitWith", 1));
    expect(error).toMatchObject({ code: "CRASH", attempts: 5, quarantined: true });
    expect(attempts).toBe(5);
    expect(stage().workers).toHaveLength(5);
  });

  it.each(["ignoreTermAndSpin", "spin"] as const)("18: %s ends at its deadline", async (name) => {
    await using pool = open({ workers: 1, timeout: "500ms" });
    expect(await failureOf(pool.run(name))).toMatchObject({ code: "TIMEOUT", attempts: 1 });
    expect(await pool.run("add", 1, 1)).toBe(2);
  });

  it("19: the clock starts with the task, also for those sent ahead", async () => {
    await using pool = open({ workers: 1 });
    for (let index = 0; index < 200; index++) await pool.run("add", index, 0);
    const slow = pool.runWith({ timeout: "60s" }, "block", 700);
    const behind = Array.from({ length: 20 }, () =>
      pool.runWith({ timeout: "600ms" }, "add", 1, 2),
    );
    expect(await slow).toBe(700);
    expect(new Set(await Promise.all(behind))).toEqual(new Set([3]));
  });

  it("19: among tasks of microseconds the one that hangs is found, and no other pays", async () => {
    await using pool = open({ workers: 1, timeout: "500ms" });
    for (let index = 0; index < 300; index++) await pool.run("spinAt", index, -1);
    const all = Array.from({ length: 60 }, (_, index) => pool.run("spinAt", index, 30));
    all[30] = failureOf(all[30] as Promise<unknown>) as Promise<never>;
    const settled: unknown[] = await Promise.all(all);
    expect(settled[30]).toMatchObject({ code: "TIMEOUT", attempts: 1 });
    settled.splice(30, 1);
    expect(settled).toEqual(Array.from({ length: 60 }, (_, i) => i).filter((i) => i !== 30));
  });

  it("19: a deadline that a result was on its way to meet hits no task after it", async () => {
    await using pool = open({ workers: 1, timeout: "1s" });
    await pool.run("add", 1, 1);
    const all = [50, 51, 52].map((ms) => pool.run("block", ms));
    await new Promise((resolve) => setImmediate(resolve));
    // Meanwhile the first is done, and nobody here has read so.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    expect(await Promise.all(all)).toEqual([50, 51, 52]);
  });

  it("20: no task is given to a worker that still ends a cancelled one", async () => {
    await using pool = open({ workers: 1 });
    const before = await pool.run("pid");
    const controller = new AbortController();
    const { begun, onStart } = started();
    const gone = failureOf(
      pool.runWith({ signal: controller.signal, onStart }, "ignoreTermAndSpin"),
    );
    await begun;
    controller.abort();
    const next = pool.run("pid");
    expect((await gone).code).toBe("CANCELLED");
    expect(await next).not.toBe(before);
  });

  it("21: a task that listens and ends keeps its worker; one that goes on loses it", async () => {
    await using pool = open({ workers: 1, grace: "5s" });
    const before = await pool.run("pid");
    for (const name of ["waitForCancel", "ignoreCancel"] as const) {
      const controller = new AbortController();
      const heard = Promise.withResolvers<unknown>();
      const options = { signal: controller.signal, onMessage: heard.resolve };
      const task = failureOf(pool.runWith(options, name));
      expect(await heard.promise).toBe("listening");
      controller.abort();
      expect((await task).code).toBe("CANCELLED");
      if (name === "waitForCancel") expect(await pool.run("pid")).toBe(before);
      else expect(await pool.run("pid")).not.toBe(before);
    }
  });

  it("21: cancelled behind a task that runs, tasks do not run, and cost no worker", async () => {
    await using pool = open({ workers: 1, grace: "30s" });
    const first = await pool.run("pid");
    for (let task = 0; task < 200; task++) await pool.run("add", task, 1);
    for (let round = 0; round < 10; round++) {
      const controller = new AbortController();
      const { begun, onStart } = started();
      const running = pool.runWith({ onStart }, "block", 20);
      const ahead = [1, 2, 3].map(() =>
        failureOf(pool.runWith({ signal: controller.signal }, "leak", 1)),
      );
      await begun;
      controller.abort();
      await running;
      for (const { attempts } of await Promise.all(ahead)) expect(attempts).toBe(0);
    }
    expect(await pool.run("leak", 1)).toBe(1); // none has
    expect(await pool.run("pid")).toBe(first);
  });

  it("22: after a deadline and after a cancel there is another worker, and neighbours stay", async () => {
    await using pool = open({ workers: 2 });
    const neighbour = pool.run("sleep", 1500);
    const controller = new AbortController();
    const { begun, onStart } = started();
    expect(await failureOf(pool.runWith({ timeout: "200ms" }, "waitForever"))).toMatchObject({
      code: "TIMEOUT",
    });
    const task = failureOf(pool.runWith({ signal: controller.signal, onStart }, "waitForever"));
    await begun;
    controller.abort();
    expect((await task).code).toBe("CANCELLED");
    expect(await neighbour).toBe(1500);
  });

  it("23: an aborted signal starts nothing, and no listener is left on one", async () => {
    await using pool = open({ workers: 1 });
    await expect(pool.runWith({ signal: AbortSignal.abort() }, "add", 1, 2)).rejects.toMatchObject({
      code: "CANCELLED",
    });
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 20 }, () => pool.runWith({ signal }, "add", 1, 2)));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});
