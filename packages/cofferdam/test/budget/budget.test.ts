import { describe, expect, it } from "vitest";
import { Budget } from "../../src/budget/budget.ts";
import { visibleDevices, type Need } from "../../src/budget/index.ts";
import { openBudget } from "../../src/scope/budget.ts";

function need(cpus: number, memoryBytes = 0, resources: Record<string, number> = {}): Need {
  return { cpus, memoryBytes, resources };
}

describe("a budget", () => {
  it("gives what is free, and no more, until it is released", () => {
    const budget = openBudget({ cpus: 3 });
    const two = budget.take(need(2));
    expect(two).not.toBeNull();
    expect(budget.take(need(2))).toBeNull();
    expect(budget.take(need(1))).not.toBeNull();
    two?.release();
    two?.release(); // once more is nothing
    expect(budget.take(need(3))).toBeNull();
    expect(budget.take(need(2))).not.toBeNull();
  });

  it("serves in the order of asking: a big need is not passed by for ever", async () => {
    const budget = openBudget({ cpus: 2 });
    const first = budget.take(need(1));
    const served: string[] = [];
    const big = budget.acquire(need(2)).then((share) => {
      served.push("big");
      return share;
    });
    const small = budget.acquire(need(1)).then((share) => {
      served.push("small");
      return share;
    });
    expect(budget.take(need(1))).toBeNull();
    first?.release();
    (await big).release();
    (await small).release();
    expect(served).toEqual(["big", "small"]);
    expect(budget.contended(need(1))).toBe(false);
  });

  it("keeps nobody waiting for one thing because another waits for something else", () => {
    const budget = openBudget({ cpus: 2, memory: "1 GB" });
    budget.take(need(0, 1e9));
    const memory = budget.acquire(need(0, 1e9));
    expect(budget.take(need(2))).not.toBeNull();
    expect(budget.contended(need(1))).toBe(false);
    expect(budget.contended(need(0, 1))).toBe(true);
    void memory;
  });

  it("lets one who waits go away, and serves those behind", async () => {
    const budget = openBudget({ cpus: 2 });
    const held = budget.take(need(1));
    const controller = new AbortController();
    const big = budget.acquire(need(2), controller.signal);
    const small = budget.acquire(need(1));
    controller.abort(new Error("not any more"));
    await expect(big).rejects.toThrow("not any more");
    (await small).release();
    held?.release();
    expect(budget.take(need(2))).not.toBeNull();
  });

  it("names the units it gives, each to one at a time", () => {
    const budget = openBudget({ gpus: 2, resources: { licence: ["a", "b", "c"] } });
    const one = budget.take(need(0, 0, { gpu: 1 }));
    const other = budget.take(need(0, 0, { gpu: 1, licence: 2 }));
    expect(one?.units).toEqual({ gpu: ["0"] });
    expect(other?.units).toEqual({ gpu: ["1"], licence: ["a", "b"] });
    expect(visibleDevices(other?.units ?? {})["CUDA_VISIBLE_DEVICES"]).toBe("1");
    expect(budget.take(need(0, 0, { gpu: 1 }))).toBeNull();
    one?.release();
    expect(budget.take(need(0, 0, { gpu: 1 }))?.units).toEqual({ gpu: ["0"] });
  });

  it("says what it can never give", () => {
    const budget = openBudget({ cpus: 2, memory: "1 GB", gpus: 1 });
    expect(budget.shortfall(need(2, 1e9, { gpu: 1 }))).toBeNull();
    expect(budget.shortfall(need(3))).toContain("3 CPUs, and the budget has 2");
    expect(budget.shortfall(need(1, 2e9))).toContain("2000000000 bytes of memory");
    expect(budget.shortfall(need(1, 0, { gpu: 2 }))).toContain("2 of `gpu`, and the budget has 1");
    expect(budget.shortfall(need(1, 0, { licence: 1 }))).toContain("no resource `licence`");
  });

  it.each([
    [{ cpus: 0 }, "budget.cpus"],
    [{ cpus: 1.5 }, "budget.cpus"],
    [{ memory: 0 }, "memory must be above 0"],
    [{ gpus: -1 }, "budget.gpu"],
    [{ resources: { licence: 0.5 } }, "budget.licence"],
  ])("refuses %j", (options, message) => {
    expect(() => openBudget(options)).toThrow(message);
  });

  it("never gives out more than it has, whatever the order", () => {
    const budget = new Budget({ cpus: 5, memoryBytes: 100, resources: { gpu: ["0", "1"] } });
    let seed = 7;
    const random = (below: number): number =>
      (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
    const held: { need: Need; release: () => void }[] = [];
    for (let step = 0; step < 5000; step++) {
      const wanted = need(random(4), random(60), { gpu: random(2) });
      if (random(2) === 0)
        budget.whenFree(wanted, (share) =>
          held.push({ need: wanted, release: () => share.release() }),
        );
      else held.splice(random(held.length + 1), 1)[0]?.release();
      const sum = (of: (one: Need) => number): number =>
        held.reduce((all, one) => all + of(one.need), 0);
      expect(sum((one) => one.cpus)).toBeLessThanOrEqual(5);
      expect(sum((one) => one.memoryBytes)).toBeLessThanOrEqual(100);
      expect(sum((one) => one.resources["gpu"] ?? 0)).toBeLessThanOrEqual(2);
    }
  });
});
