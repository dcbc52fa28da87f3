/** Python workers where there are no namespaces. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, usePools } from "./support/pools.ts";

describe.each(["subreaper", "group"])("under %s, a Python worker", (way) => {
  const before = process.env["COFFERDAM_CONTAINMENT"];
  beforeEach(() => void (process.env["COFFERDAM_CONTAINMENT"] = way));
  const pools = usePools();
  afterEach(() => {
    if (before === undefined) delete process.env["COFFERDAM_CONTAINMENT"];
    else process.env["COFFERDAM_CONTAINMENT"] = before;
  });

  it("runs functions and coroutines", async () => {
    expect(pools.scope.containment.tree).toBe(way);
    await using pool = pools.open("tasks.py", { workers: 2 });
    expect(await pool.run("add_later", 1, 2)).toBe(3);
    const sums = Array.from({ length: 500 }, (_, index) => pool.run("add", index, 1));
    expect(await Promise.all(sums)).toEqual(sums.map((_, index) => index + 1));
  });

  it.each(["segfault", "interrupt"])("that crashes costs one task: %s", async (name) => {
    await using pool = pools.open("crashes.py", { retries: { crash: 0 } });
    const dying = failureOf(pool.run(name));
    expect(await pool.run("fine")).toBe("fine");
    expect(await dying).toMatchObject({ code: "CRASH" });
  });

  it.each(["spin", "ignore_term_and_spin"])("is ended at a deadline: %s", async (name) => {
    await using pool = pools.open("crashes.py");
    const late = failureOf(pool.runWith({ timeout: "500ms" }, name));
    expect(await late).toMatchObject({ code: "TIMEOUT" });
    expect(await pool.run("fine")).toBe("fine");
  });

  it("is ended with what it started", async () => {
    await using pool = pools.open("crashes.py");
    const late = failureOf(pool.runWith({ timeout: "2s" }, "commands"));
    expect(await late).toMatchObject({ code: "TIMEOUT" });
    expect(await pool.run("fine")).toBe("fine");
  });
});
