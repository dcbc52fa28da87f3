/** Fault scenarios 24 to 32: closing, recycling, starting. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { errorCode, openScope, type PoolOptions } from "cofferdam";
import { Program } from "../../../../../test/support/program.ts";
import type { FaultPool } from "./languages.ts";
import { failureOf, openFaultPool, started } from "./languages.ts";
import { forEachLanguage, killWorker } from "./support.ts";

const program = fileURLToPath(new URL("../../fixtures/leaving.ts", import.meta.url));

forEachLanguage((language, stage) => {
  const open = (options: PoolOptions = {}): FaultPool =>
    openFaultPool(stage().scope, language, options);

  it.each(["exit", "throw", "return"])(
    "24: a program that leaves (%s) with tasks in flight leaves nothing",
    async (how) => {
      const leaving = new Program([program, language.name, how]);
      await leaving.said(/WORKING/);
      const { code } = await leaving.finished;
      expect(code).toBe(how === "throw" ? 1 : 0);
    },
  );

  it("25: closed without waiting, with running, waiting and failing tasks", async () => {
    const pool = open({ retries: { crash: 0 } });
    const { begun, onStart } = started();
    const running = failureOf(pool.runWith({ onStart }, "waitForever"));
    const failing = failureOf(pool.run("exitWith", 1));
    const waiting = Array.from({ length: 10 }, () => failureOf(pool.run("block", 1000)));
    await begun;
    const closed = pool[Symbol.asyncDispose]();
    expect((await running).code).toBe("CANCELLED");
    expect(["CANCELLED", "CRASH"]).toContain((await failing).code);
    for (const error of await Promise.all(waiting)) expect(error.code).toBe("CANCELLED");
    await closed;
    await expect(pool.run("add", 1, 1)).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("27: replaced after so many tasks, with a backlog, strands none", async () => {
    await using pool = open({ workers: 2, tasksPerWorker: 7 });
    const all = Array.from({ length: 100 }, (_, index) => pool.run("add", index, 0));
    expect(await Promise.all(all)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(stage().workers.length).toBeGreaterThanOrEqual(Math.ceil(100 / 7));
  });

  it("27: who has done so many tasks ends when they are done, and not with the pool", async () => {
    await using pool = open({ workers: 2, tasksPerWorker: 3 });
    for (let task = 0; task < 12; task++) expect(await pool.run("add", task, 1)).toBe(task + 1);
    await expect.poll(() => stage().alive.size, { timeout: 30_000 }).toBe(0);
  });

  it("27: a pool made smaller while all its workers are busy", async () => {
    await using pool = open({ workers: 2 });
    const all = [started(), started()];
    const both = all.map(({ onStart }) => pool.runWith({ onStart }, "block", 500));
    for (const { begun } of all) await begun;
    pool.resize(1);
    await Promise.all(both);
    await expect.poll(() => stage().alive.size, { timeout: 30_000 }).toBe(1);
    expect(await pool.run("add", 1, 1)).toBe(2);
    expect(stage().workers).toHaveLength(2);
  });

  it("27: no more work at once than there may be workers, whoever is replaced", async () => {
    await using pool = open({ workers: 2, tasksPerWorker: 1 });
    let running = 0;
    let most = 0;
    const onStart = (): void => {
      most = Math.max(most, ++running);
    };
    const one = async (): Promise<void> => {
      await pool.runWith({ onStart }, "block", 100);
      running--;
    };
    await Promise.all(Array.from({ length: 8 }, one));
    expect(most).toBeLessThanOrEqual(2);
  });

  it("27: times of weeks for what a worker may take", async () => {
    await using pool = open({ workers: 1, startTimeout: "30d", idleTimeout: "30d", grace: "30d" });
    const first = await pool.run("pid");
    const controller = new AbortController();
    const { promise: listens, resolve: onMessage } = Promise.withResolvers<unknown>();
    const waiting = failureOf(
      pool.runWith({ signal: controller.signal, onMessage }, "waitForCancel"),
    );
    await listens;
    controller.abort();
    expect((await waiting).code).toBe("CANCELLED");
    expect(await pool.run("pid")).toBe(first);
  });

  it("28: the scope's own signal ends pools too", async () => {
    const controller = new AbortController();
    await using scope = await openScope({ signal: controller.signal });
    await using pool = openFaultPool(scope, language);
    const { begun, onStart } = started();
    const tasks = [failureOf(pool.runWith({ onStart }, "waitForever"))];
    for (let task = 0; task < 5; task++) tasks.push(failureOf(pool.run("waitForever")));
    await begun;
    controller.abort();
    for (const { code } of await Promise.all(tasks)) expect(code).toBe("CANCELLED");
    await expect(pool.run("add", 1, 1)).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("28: tasks that race with the closing of the pool are done or told", async () => {
    for (let round = 0; round < 5; round++) {
      const pool = open({ workers: 2 });
      const outcomes: string[] = [];
      const lanes = Array.from({ length: 10 }, async (_, lane) => {
        for (let task = 0; task < 20; task++)
          await pool.run("add", lane, task).then(
            (sum) => outcomes.push(sum === lane + task ? "done" : "wrong"),
            (error: unknown) => outcomes.push(errorCode(error) ?? "no code"),
          );
      });
      await pool.run("add", 0, 0);
      if (round % 2 === 0) for (const worker of stage().workers) killWorker(worker);
      await pool[Symbol.asyncDispose]();
      await Promise.all(lanes);
      expect(outcomes).toHaveLength(200);
      expect(outcomes.filter((one) => !["done", "CANCELLED", "CLOSED"].includes(one))).toEqual([]);
    }
  });

  it("29: a worker ended for being idle, while large arguments are on their way", async () => {
    await using pool = open({ workers: 1, idleTimeout: "1ms" });
    const bytes = new Uint8Array(20_000_000);
    let starts = 0;
    const onStart = (): void => {
      starts++;
    };
    for (let round = 0; round < 8; round++)
      expect(await pool.runWith({ onStart }, "length", bytes)).toBe(20_000_000);
    expect(starts).toBe(8); // none lost its worker
  });

  it("30: closed while it starts, before it is ready, while it recycles", async () => {
    for (const workers of [0, 1]) {
      const starting = open({ init: { hang: true } });
      const wanted = stage().workers.length + workers;
      const task = failureOf(starting.run("add", 1, 2));
      await expect
        .poll(() => stage().workers.length, { timeout: 30_000 })
        .toBeGreaterThanOrEqual(wanted);
      await starting[Symbol.asyncDispose]();
      expect((await task).code).toBe("CANCELLED");
    }

    const recycling = open({ workers: 2, tasksPerWorker: 1 });
    const all = Array.from({ length: 10 }, () => recycling.run("add", 1, 1));
    await all[3];
    await recycling.close();
    expect(await Promise.all(all)).toEqual(Array.from({ length: 10 }, () => 2));
  });

  it.runIf(language.name === "Node")(
    "30: a task that overwrites a global harms nothing",
    async () => {
      await using pool = open({ workers: 1 });
      expect(await pool.run("loseProcess")).toBe(1);
      expect(await pool.run("add", 1, 1)).toBe(2);
    },
  );

  it("31: an `init` that throws fails the pool with its reason", async () => {
    await using pool = open({ init: { fail: "no model here" } });
    await expect(pool.run("add", 1, 1)).rejects.toMatchObject({
      code: "WORKER_START",
      message: expect.stringContaining("no model here") as string,
    });
  });

  it("31: an `init` that hangs fails the pool when its time is up", async () => {
    await using pool = open({ init: { hang: true }, startTimeout: "1s" });
    await expect(pool.run("add", 1, 1)).rejects.toMatchObject({
      code: "WORKER_START",
      message: expect.stringMatching(/faults\.(ts|py) after 1(\.0)? ?s/) as string,
    });
  });

  it("31: `init` runs once in each worker, before its first task; `dispose` when it is closed", async () => {
    const pool = open({ workers: 1, init: { value: [1, Uint8Array.of(7)] } });
    expect(await pool.run("initialised")).toEqual([1, Uint8Array.of(7)]);
    const marker = await pool.run("markOnDispose", `${process.env["TMPDIR"] ?? "/tmp"}/disposed`);
    await pool.close();
    expect(readFileSync(marker, "utf8")).toBe("disposed");
  });

  // No channel error can reach the caller: they are heard, and the worker's end tells.
  it("32: workers that die while they are written to and closed", async () => {
    for (let round = 0; round < 5; round++) {
      const pool = open({ workers: 2, retries: { crash: 0 } });
      await pool.run("add", 1, 1);
      const going = [1, 2, 3].map(() => pool.run("length", "x".repeat(5_000_000)));
      const settled = Promise.allSettled(going);
      for (const worker of stage().workers) killWorker(worker);
      if (round > 2) await settled; // else it is closed before the pool knows
      await pool[Symbol.asyncDispose]();
      await settled;
    }
  });
});
