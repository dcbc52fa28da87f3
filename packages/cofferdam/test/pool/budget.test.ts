import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openScope } from "cofferdam";
import type * as SlowToLoad from "../fixtures/slow-to-load.ts";
import { languages, openFaultPool } from "./scenarios/languages.ts";

const [node] = languages;
if (!node) throw new Error("no language");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "budget-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("pools within a budget", () => {
  it("never work with more processes than there are CPUs, over all pools", async () => {
    await using scope = await openScope({ budget: { cpus: 2 } });
    const pools = [0, 1, 2].map(() => openFaultPool(scope, node, { workers: 2, threads: 1 }));
    let running = 0;
    let most = 0;
    const task = async (index: number): Promise<void> => {
      const onStart = (): void => {
        most = Math.max(most, ++running);
      };
      await pools[index % 3]?.runWith({ onStart }, "block", 20);
      running--;
    };
    await Promise.all(Array.from({ length: 60 }, (_, index) => task(index)));
    expect(most).toBeLessThanOrEqual(2);
    expect(most).toBeGreaterThan(0);
  });

  it("charge no CPU for workers that mostly wait", async () => {
    await using scope = await openScope({ budget: { cpus: 1 } });
    await using pool = openFaultPool(scope, node, { workers: 3, threads: 0 });
    const meet = Array.from({ length: 3 }, () => pool.run("sleep", 200));
    expect(await Promise.all(meet)).toEqual([200, 200, 200]);
  });

  it("give each worker GPUs of its own, and tell it which", async () => {
    await using scope = await openScope({ budget: { cpus: 4, gpus: ["3", "5"] } });
    await using pool = openFaultPool(scope, node, { workers: 2, resources: { gpu: 1 } });
    const seen = await Promise.all(
      Array.from({ length: 8 }, async () => {
        await pool.run("block", 50);
        return pool.run("environment", "CUDA_VISIBLE_DEVICES");
      }),
    );
    for (const device of seen) expect(["3", "5"]).toContain(device);
  });

  it("do not start more workers than there is memory for", async () => {
    const started: number[] = [];
    await using scope = await openScope({
      budget: { cpus: 4, memory: "1 GB" },
      onEvent: (event) => {
        if (event.type === "task-started") started.push(event.pid);
      },
    });
    await using pool = openFaultPool(scope, node, { workers: 4, threads: 1, memory: "500 MB" });
    await Promise.all(Array.from({ length: 12 }, () => pool.run("block", 30)));
    expect(started.length).toBeLessThanOrEqual(2);
  });

  it("take turns, however much work one of them has", async () => {
    await using scope = await openScope({ budget: { cpus: 1 } });
    const [busy, other] = [0, 1].map(() => openFaultPool(scope, node, { workers: 1, threads: 1 }));
    await Promise.all([busy?.run("add", 1, 1), other?.run("add", 1, 1)]);
    let left = 200;
    const all = Array.from({ length: left }, async () => {
      await busy?.run("block", 10);
      left--;
    });
    await Promise.race(all);
    await other?.run("add", 1, 1);
    expect(left).toBeGreaterThan(0);
    await Promise.all(all);
  });

  it.each([{ resources: { gpu: 1 } }, { memory: "600 MB" }])(
    "give up %j that an idle worker holds when another pool waits for it",
    async (needs) => {
      await using scope = await openScope({ budget: { cpus: 2, gpus: 1, memory: "1 GB" } });
      const pools = [0, 1].map(() =>
        openFaultPool(scope, node, { workers: 1, threads: 1, ...needs }),
      );
      for (let round = 0; round < 3; round++)
        for (const pool of pools) expect(await pool.run("add", round, 1)).toBe(round + 1);
    },
  );

  it("do not wait for a worker that starts for nobody", async () => {
    await using scope = await openScope({ budget: { resources: { gpu: 1 } } });
    const needs = { workers: 1, resources: { gpu: 1 } };
    await using hanging = openFaultPool(scope, node, { ...needs, init: { hang: true } });
    const signal = AbortSignal.timeout(500);
    await expect(hanging.runWith({ signal }, "add", 1, 1)).rejects.toMatchObject({
      code: "CANCELLED",
    });
    await using other = openFaultPool(scope, node, needs);
    expect(await other.run("add", 1, 1)).toBe(2);
  });

  it("hold nothing once no worker can be started any more", async () => {
    await using scope = await openScope({ budget: { cpus: 2 } });
    const marker = join(folder, "marker");
    const breaking = scope.pool<typeof SlowToLoad>(
      new URL("../fixtures/slow-to-load.ts", import.meta.url),
      { workers: 2, threads: 1, init: { marker, trouble: "fail" } },
    );
    const { promise: begun, resolve: onStart } = Promise.withResolvers<unknown>();
    const lasting = breaking.runWith({ onStart }, "wait", 500);
    await begun;
    await expect(breaking.run("textLength")).rejects.toMatchObject({ code: "WORKER_START" });
    await lasting;
    await using other = openFaultPool(scope, node, { workers: 1, threads: 2 });
    expect(await other.run("add", 1, 1)).toBe(2);
  });

  it("refuse what can never be had", async () => {
    await using scope = await openScope({ budget: { cpus: 2, memory: "1 GB" } });
    expect(() => openFaultPool(scope, node, { threads: 3 })).toThrow("3 CPUs");
    expect(() => openFaultPool(scope, node, { memory: "2 GB" })).toThrow("memory");
    expect(() => openFaultPool(scope, node, { resources: { gpu: 1 } })).toThrow("`gpu`");
  });

  it("cap the threads of libraries at the worker's share", async () => {
    await using scope = await openScope({ budget: { cpus: 4 } });
    await using pool = openFaultPool(scope, node, { workers: 2 });
    expect(await pool.run("environment", "OMP_NUM_THREADS")).toBe("2");
    await using narrow = openFaultPool(scope, node, { workers: 2, threads: 1 });
    expect(await narrow.run("environment", "OPENBLAS_NUM_THREADS")).toBe("1");
  });
});

describe("a task and its caller", () => {
  it.each(languages.filter(({ missing }) => missing === null))(
    "talk while it runs ($name)",
    async (language) => {
      await using scope = await openScope();
      await using pool = openFaultPool(scope, language, { workers: 1 });
      const messages: unknown[] = [];
      const progress: unknown[] = [];
      const options = {
        onMessage: (value: unknown) => messages.push(value),
        onProgress: (...all: unknown[]) => progress.push(all),
      };
      await pool.runWith(options, "report");
      expect(messages).toEqual([{ bytes: Uint8Array.of(1, 2) }]);
      expect(progress).toEqual([[0.5, "half"]]);
    },
  );
});
