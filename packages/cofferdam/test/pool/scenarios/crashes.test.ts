/** Fault scenarios 1 to 12: crashes, and values on their way. Numbers as in `docs/reference/fault-scenarios.md`. */
import { expect, it } from "vitest";
import { failureOf, openFaultPool, started } from "./languages.ts";
import { forEachLanguage, killWorker } from "./support.ts";

forEachLanguage((language, stage) => {
  it("1: an argument that cannot be sent fails its own task only", async () => {
    await using pool = openFaultPool(stage().scope, language);
    const run = pool.run.bind(pool) as unknown as (...all: unknown[]) => Promise<unknown>;
    const good = pool.run("add", 1, 2);
    await expect(run("echo", () => 1)).rejects.toMatchObject({ code: "NOT_SERIALIZABLE" });
    const throwing = {
      get x(): never {
        throw new RangeError("no");
      },
    };
    await expect(run("echo", throwing)).rejects.toThrow("no");
    expect(await good).toBe(3);
  });

  // No code of the user's runs while arguments are read, so nothing can fail there but bytes.
  it("2: arguments that look like the encoding arrive as they are", async () => {
    await using pool = openFaultPool(stage().scope, language);
    const odd = { $: "part", i: 7, nested: [{ $: "object", v: 1 }], NaN: [NaN, -0, 2n ** 70n] };
    expect(await pool.run("echo", odd)).toEqual(odd);
  });

  it.each([
    ["ends with 0", "exitWith", [0]],
    ["ends with 3", "exitWith", [3]],
    ["aborts", "abort", []],
    ["has a segmentation fault", "killItself", ["SIGSEGV"]],
  ] as const)("3: a task that %s is a crash, and no other task's", async (_, name, args) => {
    await using pool = openFaultPool(stage().scope, language);
    const run = pool.run.bind(pool) as unknown as (...all: unknown[]) => Promise<unknown>;
    const bad = failureOf(run(name, ...args));
    const good = Array.from({ length: 20 }, (__, index) => pool.run("add", index, 1));
    expect(await bad).toMatchObject({ code: "CRASH", attempts: 2, quarantined: true });
    expect(await Promise.all(good)).toEqual(Array.from({ length: 20 }, (__, index) => index + 1));
  });

  it("3: an exception is the task's failure, and the worker lives on", async () => {
    await using pool = openFaultPool(stage().scope, language, { workers: 1 });
    const before = await pool.run("pid");
    expect(await failureOf(pool.run("fail", "no such luck"))).toMatchObject({
      code: "TASK_FAILED",
      message: "no such luck",
    });
    expect(await pool.run("pid")).toBe(before);
  });

  it("4: a crash or an error while the result is encoded is that task's", async () => {
    await using pool = openFaultPool(stage().scope, language);
    expect(await failureOf(pool.run("exitWhileEncoding"))).toMatchObject({ code: "CRASH" });
    expect(["TASK_FAILED", "NOT_SERIALIZABLE"]).toContain(
      (await failureOf(pool.run("failWhileEncoding"))).code,
    );
    expect(await pool.run("add", 1, 1)).toBe(2);
  });

  it("5: a result that cannot be decoded is a broken protocol, and that task's", async () => {
    await using pool = openFaultPool(stage().scope, language);
    const bad = failureOf(pool.run("forgeResult"));
    expect(await pool.run("add", 1, 1)).toBe(2);
    expect(await bad).toMatchObject({ code: "PROTOCOL" });
  });

  it("6: a worker that dies after its result was sent: the result stays, the next task runs", async () => {
    await using pool = openFaultPool(stage().scope, language, { workers: 1 });
    for (let round = 0; round < 5; round++) {
      expect(await pool.run("dieAfterResult")).toBe("kept");
      expect(await pool.run("add", round, 1)).toBe(round + 1);
    }
  });

  it("7: a worker that dies while it is being written to does not block the pool", async () => {
    await using pool = openFaultPool(stage().scope, language, { workers: 1 });
    await pool.run("add", 0, 0);
    const bytes = new Uint8Array(50_000_000);
    const all = [pool.run("length", bytes), pool.run("length", bytes), pool.run("add", 1, 1)];
    for (const worker of stage().workers) killWorker(worker);
    expect(await Promise.all(all)).toEqual([50_000_000, 50_000_000, 2]);
  });

  it("8: a hundred failing and a hundred good tasks on one worker", async () => {
    await using pool = openFaultPool(stage().scope, language, { workers: 1 });
    const all = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0 ? pool.run("add", index, 0) : pool.run("fail", String(index)),
    );
    const settled = await Promise.allSettled(all);
    settled.forEach((result, index) => {
      if (index % 2 === 0) expect(result).toMatchObject({ status: "fulfilled", value: index });
      else
        expect(result).toMatchObject({ reason: { code: "TASK_FAILED", message: String(index) } });
    });
  });

  // There is no pipe to wake anybody: what can fill up is the worker's socket.
  it("9: ten thousand tasks for a worker that does not read", async () => {
    await using pool = openFaultPool(stage().scope, language, { workers: 1 });
    await pool.run("add", 0, 0);
    const slow = pool.run("block", 300);
    const text = "x".repeat(1000);
    const all = Array.from({ length: 10_000 }, () => pool.run("echo", text));
    expect(await slow).toBe(300);
    for (const value of await Promise.all(all)) expect(value === text).toBe(true);
  });

  it("10: a source that throws in the middle of a map ends the map, and nothing else", async () => {
    await using pool = openFaultPool(stage().scope, language);
    function* inputs(): Generator<number> {
      for (let index = 0; index < 10; index++) yield index;
      throw new Error("the source is broken");
    }
    const seen: unknown[] = [];
    const reading = async (): Promise<void> => {
      for await (const { value } of pool.map("echo", inputs())) seen.push(value);
    };
    await expect(reading()).rejects.toThrow("the source is broken");
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await pool.run("add", 1, 1)).toBe(2);
  });

  it("10: a caller's function that throws is the caller's error, and disturbs no worker", async () => {
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const thrown = new Promise((resolve) => process.once("uncaughtException", resolve));
    try {
      await using pool = openFaultPool(stage().scope, language);
      const fail = (): never => {
        throw new Error("thrown by the caller");
      };
      const worker = await pool.run("pid");
      expect(await pool.runWith({ onStart: fail }, "add", 1, 2)).toBe(3);
      expect(await thrown).toMatchObject({ message: "thrown by the caller" });
      process.on("uncaughtException", () => undefined); // the same, of the others
      await pool.runWith({ onMessage: fail, onProgress: fail }, "report");
      expect(await pool.run("pid")).toBe(worker);
      expect(await pool.run("add", 2, 2)).toBe(4);
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of listeners) process.on("uncaughtException", listener);
    }
  });

  // No two workers share a lock or a pipe: what a dying one can hold is its half of a frame.
  it("11: a worker killed in the middle of a frame", async () => {
    await using pool = openFaultPool(stage().scope, language);
    const bad = failureOf(pool.run("dieWhileSending"));
    const good = Array.from({ length: 20 }, (_, index) => pool.run("add", index, 1));
    expect((await Promise.all(good))[19]).toBe(20);
    expect(await bad).toMatchObject({ code: "CRASH" });
  });

  it("12: a hundred megabytes on their way when the pool is closed, or the tasks cancelled", async () => {
    const bytes = new Uint8Array(100_000_000);
    const pool = openFaultPool(stage().scope, language);
    const going = failureOf(pool.run("length", bytes));
    await pool[Symbol.asyncDispose]();
    expect((await going).code).toBe("CANCELLED");

    await using other = openFaultPool(stage().scope, language);
    const controller = new AbortController();
    const small = bytes.subarray(0, 10_000_000);
    const { begun, onStart } = started();
    const ten = Array.from({ length: 10 }, () =>
      failureOf(other.runWith({ signal: controller.signal, onStart }, "block", 60_000)),
    );
    await begun;
    controller.abort();
    for (const error of await Promise.all(ten)) expect(error.code).toBe("CANCELLED");
    expect(await other.run("length", small)).toBe(10_000_000);
  });

  it("12: more than a frame can carry is refused at once", async () => {
    await using pool = openFaultPool(stage().scope, language);
    const gigabyte = new Uint8Array(1_100_000_000);
    const run = pool.run.bind(pool) as unknown as (...all: unknown[]) => Promise<unknown>;
    await expect(run("echo", [gigabyte, gigabyte])).rejects.toMatchObject({
      code: "NOT_SERIALIZABLE",
      message: expect.stringContaining("the arguments of `echo` has 2200") as string,
    });
    expect(await pool.run("add", 1, 1)).toBe(2);
  });
});
