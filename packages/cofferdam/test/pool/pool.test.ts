import { EventEmitter, on } from "node:events";
import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  errorCode,
  openScope,
  PoolTaskError,
  type Pool,
  type PoolOptions,
  type Scope,
} from "cofferdam";
import type * as Work from "../fixtures/work.ts";
import { keeperOf } from "../../../../test/support/processes.ts";

const work = new URL("../fixtures/work.ts", import.meta.url);

let scope: Scope;

beforeEach(async () => {
  scope = await openScope();
});

afterEach(async () => {
  const report = await scope.close();
  expect(report.processes.left).toBe(0);
});

function openPool(options: PoolOptions = {}): Pool<typeof Work> {
  return scope.pool<typeof Work>(work, { workers: 2, grace: "200ms", ...options });
}

async function failureOf(promise: Promise<unknown>): Promise<PoolTaskError> {
  const error: unknown = await promise.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PoolTaskError);
  return error as PoolTaskError;
}

describe("a pool", () => {
  it("runs functions of its module, with binary values", async () => {
    await using pool = openPool();
    expect(await pool.run("add", 1, 2)).toBe(3);
    expect(await pool.run("double", Float32Array.of(1, 2))).toEqual(Float32Array.of(2, 4));
    expect(await pool.run("length", new Uint8Array(20_000_000))).toBe(20_000_000);
  });

  it("keeps its workers warm, and never has more than it may", async () => {
    await using pool = openPool();
    const pids = await Promise.all(Array.from({ length: 40 }, () => pool.run("pid")));
    expect(new Set(pids).size).toBeLessThanOrEqual(2);
    expect(await pool.run("pid")).toBeOneOf(pids);
  });

  it("hands a thrown error on, with its name and code", async () => {
    await using pool = openPool();
    const error = await failureOf(pool.run("fail", "no such luck"));
    expect(error).toMatchObject({ code: "TASK_FAILED", message: "no such luck", attempts: 1 });
    expect(error.remote).toMatchObject({ name: "TypeError", code: "E_OWN" });
    expect(await pool.run("add", 1, 1)).toBe(2);
  });

  it.each([
    ["exits with 0", (pool: Pool<typeof Work>) => pool.run("exitWith", 0)],
    ["exits with 3", (pool: Pool<typeof Work>) => pool.run("exitWith", 3)],
    ["kills itself", (pool: Pool<typeof Work>) => pool.run("killItself", "SIGKILL")],
    ["is terminated", (pool: Pool<typeof Work>) => pool.run("killItself", "SIGTERM")],
  ])("says CRASH after two workers when a task %s, and goes on", async (_, crash) => {
    await using pool = openPool();
    const failing = failureOf(crash(pool));
    const others = Array.from({ length: 10 }, (__, index) => pool.run("add", index, 1));
    expect(await failing).toMatchObject({ code: "CRASH", attempts: 2 });
    expect(await Promise.all(others)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it.each(["spin", "ignoreTermAndSpin", "waitForever", "startDescendants"] as const)(
    "ends a task at its deadline with all that it started: %s",
    async (name) => {
      await using pool = openPool({ timeout: "300ms" });
      expect(await failureOf(pool.run(name))).toMatchObject({ code: "TIMEOUT", attempts: 1 });
      expect(await pool.run("add", 2, 2)).toBe(4);
    },
  );

  it("starts a task's clock when the task starts, not when it is queued", async () => {
    await using pool = openPool({ workers: 1, timeout: "30s" });
    const slow = failureOf(pool.runWith({ timeout: "1s" }, "waitForever"));
    const queued = pool.runWith({ timeout: "900ms" }, "add", 1, 2);
    expect(await slow).toMatchObject({ code: "TIMEOUT" });
    expect(await queued).toBe(3);
  });

  it("kills a worker above its memory, and no other", async () => {
    await using pool = openPool({ memory: "300 MB" });
    const hungry = failureOf(pool.run("takeMemory"));
    expect(await pool.run("add", 1, 2)).toBe(3);
    expect(await hungry).toMatchObject({ code: "MEMORY", attempts: 1 });
  });

  it("fails the task whose worker breaks the protocol", async () => {
    await using pool = openPool();
    expect(await failureOf(pool.run("breakProtocol"))).toMatchObject({ code: "PROTOCOL" });
    expect(await pool.run("add", 1, 2)).toBe(3);
  });

  it("refuses what cannot be sent, before it is sent and after", async () => {
    await using pool = openPool();
    const run = pool.run.bind(pool) as unknown as (name: string, arg: unknown) => Promise<unknown>;
    await expect(run("add", () => 1)).rejects.toMatchObject({ code: "NOT_SERIALIZABLE" });
    expect(await failureOf(pool.run("returnMap"))).toMatchObject({ code: "NOT_SERIALIZABLE" });
    expect(await failureOf(run("notAFunction", 1))).toMatchObject({
      code: "UNKNOWN_FUNCTION",
      message: "the module exports no function `notAFunction`",
    });
  });

  it("gives each result as it was when the function gave it", async () => {
    await using pool = openPool({ workers: 1 });
    for (let round = 0; round < 5; round++) {
      const all = await Promise.all(Array.from({ length: 400 }, () => pool.run("countInPlace")));
      expect(all.map(({ value }) => value)).toEqual(all.map((_, index) => round * 400 + index + 1));
    }
  });

  it("gives each task a private folder and removes it", async () => {
    await using pool = openPool();
    const folders = [await pool.run("makeScratch"), await pool.run("makeScratch")];
    expect(new Set(folders).size).toBe(2);
    for (const folder of folders) expect(existsSync(folder)).toBe(false);
  });

  it("keeps what workers print away from the protocol", async () => {
    await using pool = openPool({ workers: 1 });
    await pool.run("print", "x".repeat(1_000_000));
    expect(await pool.run("add", 1, 2)).toBe(3);
  });

  it("replaces a worker after so many tasks", async () => {
    await using pool = openPool({ workers: 1, tasksPerWorker: 2 });
    const pids = [];
    for (let task = 0; task < 6; task++) pids.push(await pool.run("pid"));
    // Pids inside a namespace begin at a place of their own, so three workers have three.
    expect(new Set(pids).size).toBe(3);
  });

  it("fails with the reason when its module cannot be loaded, and does not hang", async () => {
    await using pool = scope.pool<{ f: () => void }>(
      new URL("../fixtures/broken-module.ts", import.meta.url),
      { workers: 2 },
    );
    await expect(pool.run("f")).rejects.toMatchObject({
      code: "WORKER_START",
      message: expect.stringContaining("this module cannot be loaded") as string,
    });
    await expect(pool.run("f")).rejects.toMatchObject({ code: "WORKER_START" });
  });

  it("cancels a queued task without a trace, and a running one by ending its worker", async () => {
    await using pool = openPool({ workers: 1 });
    const running = new AbortController();
    const queued = new AbortController();
    const first = failureOf(pool.runWith({ signal: running.signal }, "startDescendants"));
    const second = failureOf(pool.runWith({ signal: queued.signal }, "add", 1, 2));
    queued.abort();
    expect(await second).toMatchObject({ code: "CANCELLED", attempts: 0 });
    running.abort();
    expect(await first).toMatchObject({ code: "CANCELLED" });
    expect(await pool.run("add", 1, 2)).toBe(3);
  });

  it("survives the loss of its keeper without losing an attempt", async () => {
    if (scope.containment.tree === "group") return; // it has none
    await using pool = openPool({ retries: { crash: 0 } });
    await pool.run("add", 0, 0);
    const { promise: started, resolve } = Promise.withResolvers<number>();
    const task = failureOf(pool.runWith({ timeout: "1s", onStart: resolve }, "waitForever"));
    await started;
    process.kill(keeperOf(process.pid), "SIGKILL");
    expect(await task).toMatchObject({ code: "TIMEOUT", attempts: 2 });
    expect(scope.report().keepersLost).toBe(1);
  });

  it("finishes what was asked for when it is closed", async () => {
    const pool = openPool();
    const results = Array.from({ length: 50 }, (_, index) => pool.run("add", index, 0));
    await pool.close();
    expect(await Promise.all(results)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    await expect(pool.run("add", 1, 1)).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("cancels what still runs when it is disposed of", async () => {
    const pool = openPool({ workers: 1 });
    const tasks = [failureOf(pool.run("waitForever")), failureOf(pool.run("add", 1, 2))];
    await pool[Symbol.asyncDispose]();
    for (const error of await Promise.all(tasks)) expect(error.code).toBe("CANCELLED");
  });

  it("can be disposed of while its workers are still starting", async () => {
    const pool = openPool({ workers: 2 });
    const task = failureOf(pool.run("add", 1, 2));
    await pool[Symbol.asyncDispose]();
    expect((await task).code).toBe("CANCELLED");
  });

  it.each([0, -1, 1.5, NaN])("refuses %s workers", (workers) => {
    expect(() => openPool({ workers })).toThrow("workers must be a whole number above 0");
  });
});

type Texts = Iterable<string> | AsyncIterable<string>;

async function lengthsOf(pool: Pool<typeof Work>, texts: Texts): Promise<unknown[]> {
  const lengths: unknown[] = [];
  for await (const { value } of pool.map("length", texts)) lengths.push(value);
  return lengths;
}

describe("map", () => {
  it("gives results in order, reads no further ahead than it must, and survives failures", async () => {
    await using pool = openPool();
    let read = 0;
    function* inputs(): Generator<number> {
      for (; read < 1000; read++) yield read;
    }
    const seen: number[] = [];
    for await (const result of pool.map("exitWith" as never, inputs() as never, {})) {
      const { index, error } = result as { index: number; error?: { code: string } };
      expect(error?.code).toBe("CRASH");
      seen.push(index);
      if (seen.length === 4) break;
      expect(read).toBeLessThan(seen.length + 40);
    }
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it("gives results as they come when order does not matter", async () => {
    await using pool = openPool();
    const results = new Map<number, unknown>();
    const inputs = Array.from({ length: 200 }, (_, index) => new Uint8Array(index));
    for await (const { index, ...rest } of pool.map("length", inputs, { ordered: false }))
      results.set(index, rest.ok ? rest.value : rest.error);
    expect(results.size).toBe(200);
    for (const [index, value] of results) expect(value).toBe(index);
  });

  it("takes a text for its characters, and promises that are of no class it knows", async () => {
    await using pool = openPool();
    const thenable = {
      [Symbol.asyncIterator]() {
        let given = 0;
        const next = (): IteratorResult<string> =>
          given++ < 2 ? { done: false, value: "ab" } : { done: true, value: undefined };
        const later = (resolve: (step: IteratorResult<string>) => void): void => resolve(next());
        return { next: () => ({ then: later }) as Promise<IteratorResult<string>> };
      },
    };
    for (const [source, lengths] of [
      ["abc", [1, 1, 1]],
      [thenable, [2, 2]],
    ] as const) {
      expect(await lengthsOf(pool, source)).toEqual(lengths);
    }
  });

  it("throws what is wrong with a source that cannot be read", async () => {
    await using pool = openPool();
    const broken = {
      [Symbol.iterator](): Iterator<string> {
        throw new Error("there are no rows");
      },
    };
    await expect(lengthsOf(pool, broken)).rejects.toThrow("no rows");
  });

  it("ends where no call can be made any more, however much its source has", async () => {
    function* endless(): Generator<string> {
      for (;;) yield "abc";
    }
    const pool = openPool();
    const cause = new Error("enough");
    const signal = AbortSignal.abort(cause);
    const cancelled = pool.map("length", endless(), { signal }).next();
    await expect(cancelled).rejects.toMatchObject({ code: "CANCELLED", cause });
    const results = pool.map("length", endless());
    expect(await results.next()).toMatchObject({ value: { value: 3 } });
    const rest = (async () => {
      const codes = new Set<unknown>();
      for await (const { error } of results) codes.add(errorCode(error));
      return codes;
    })();
    const told = expect(rest).rejects.toMatchObject({ code: "CLOSED" });
    await pool[Symbol.asyncDispose]();
    await told;
  });

  it("is left at once, also while its source has nothing to give", async () => {
    await using pool = openPool();
    const source = new EventEmitter();
    async function* texts(): AsyncGenerator<string> {
      for await (const [text] of on(source, "text") as AsyncIterable<[string]>) yield text;
    }
    const first = (async () => {
      for await (const { value } of pool.map("length", texts())) return value;
      return undefined;
    })();
    while (source.listenerCount("text") === 0) await new Promise((done) => setImmediate(done));
    source.emit("text", "abc");
    expect(await first).toBe(3);
  });

  it("throws what the source throws, after what was started has ended", async () => {
    await using pool = openPool();
    function* inputs(): Generator<Uint8Array> {
      yield new Uint8Array(1);
      throw new Error("the source is broken");
    }
    const reading = async (): Promise<void> => {
      for await (const result of pool.map("length", inputs())) expect(result.index).toBe(0);
    };
    await expect(reading()).rejects.toThrow("the source is broken");
  });

  it("throws what the source throws, and asks nothing more of it", async () => {
    await using pool = openPool();
    let returned = 0;
    const source: AsyncIterableIterator<string> = {
      [Symbol.asyncIterator]: () => source,
      next: () => Promise.reject(new Error("the source is broken")),
      return: () => {
        returned++;
        return new Promise(() => undefined);
      },
    };
    await expect(lengthsOf(pool, source)).rejects.toThrow("the source is broken");
    expect(returned).toBe(0);
  });

  it.each([true, false])(
    "reads so many bytes ahead, and no more (ordered: %s)",
    async (ordered) => {
      await using pool = openPool();
      // So that it would read far ahead.
      await lengthsOf(pool, new Array<string>(3000).fill("a"));
      let [read, given, most] = [0, 0, 0];
      function* inputs(): Generator<Uint8Array> {
        for (; read < 200; read++) {
          most = Math.max(most, read - given);
          yield new Uint8Array(4_000_000);
        }
      }
      for await (const { value } of pool.map("length", inputs(), { ordered })) {
        expect(value).toBe(4_000_000);
        given++;
      }
      expect(given).toBe(200);
      expect(most).toBeLessThan(24); // 64 MiB are 17
    },
  );
});
