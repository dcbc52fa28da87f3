import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { failureOf, fixture, usePools } from "./support/pools.ts";

const pools = usePools();

describe("a Python file", () => {
  it("is loaded as a module that imports what lies beside it", async () => {
    await using pool = pools.open("tasks.py");
    const file = fixture("tasks.py");
    expect(await pool.run("from_beside")).toBe("beside");
    expect(await pool.run("names")).toEqual(["tasks", [file], dirname(file), true]);
    expect(await pool.run("at_import")).toMatch(/outside of a worker's task/);
  });

  it("may have the name of a module that Python has loaded already", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "n-")), "json.py");
    writeFileSync(file, "def two():\n    return 2\n");
    await using pool = pools.open(file);
    expect(await pool.run("two")).toBe(2);
  });

  it("offers what __all__ names", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "n-")), "some.py");
    writeFileSync(file, '__all__ = ["_a"]\n\n\ndef _a():\n    return 1\n\n\ndef b():\n    pass\n');
    await using pool = pools.open(file);
    expect(await pool.run("_a")).toBe(1);
    expect(await failureOf(pool.run("b"))).toMatchObject({ code: "UNKNOWN_FUNCTION" });
  });

  it("is set up and torn down though __all__ names neither init nor dispose", async () => {
    const folder = mkdtempSync(join(tmpdir(), "n-"));
    const file = join(folder, "some.py");
    const lines = ['__all__ = ["path_of"]', "", "", "def init(path):", "    global end"];
    lines.push("    end = path", "", "", "def dispose():", '    open(end, "w").write("disposed")');
    writeFileSync(file, [...lines, "", "", "def path_of():", "    return end", ""].join("\n"));
    const end = join(folder, "end");
    const pool = pools.open(file, { init: end, grace: "60s" });
    expect(await pool.run("path_of")).toBe(end);
    for (const own of ["init", "dispose"])
      expect(await failureOf(pool.run(own))).toMatchObject({ code: "UNKNOWN_FUNCTION" });
    await pool.close();
    expect(readFileSync(end, "utf8")).toBe("disposed");
  });

  it("is given the pool's init value, with or without one", async () => {
    await using withValue = pools.open("tasks.py", { init: { model: Uint8Array.of(1) } });
    expect(await withValue.run("given")).toEqual({ model: Uint8Array.of(1) });
    await using without = pools.open("tasks.py");
    expect(await without.run("given")).toBe(null);
  });

  it("tears down what it set up", async () => {
    const folder = mkdtempSync(join(tmpdir(), "n-"));
    const file = join(folder, "own.py");
    const lines = ["async def init(path):", "    global end", "    end = path", ""];
    lines.push("async def dispose():", '    open(end, "w").write("disposed")', "");
    writeFileSync(file, [...lines, "def f():", "    pass", ""].join("\n"));
    const end = join(folder, "end");
    const pool = pools.open(file, { init: end, grace: "60s" });
    await pool.run("f");
    await pool.close();
    expect(readFileSync(end, "utf8")).toBe("disposed");
  });
});

describe("functions", () => {
  it("may be coroutines, which share one event loop", async () => {
    await using pool = pools.open("tasks.py");
    expect(await pool.run("add", 1, 2)).toBe(3);
    expect(await pool.run("add_later", 1, 2)).toBe(3);
    expect(await pool.run("add_at_once", 1, 2)).toBe(3);
    await pool.run("same_loop");
    expect(await pool.run("same_loop")).toBe(true);
  });

  it("give each caller its own result, whatever is batched with what", async () => {
    await using pool = pools.open("tasks.py", { workers: 2 });
    const names = ["add", "add_at_once", "add", "add"];
    const sums = Array.from({ length: 3000 }, (_, index) =>
      pool.run(names[index % names.length] ?? "", index, 1),
    );
    expect(await Promise.all(sums)).toEqual(sums.map((_, index) => index + 1));
  });

  it("print what they like", async () => {
    await using pool = pools.open("tasks.py");
    await pool.run("print_much");
    expect(await pool.run("add", 1, 2)).toBe(3);
  });

  it("do not hand descriptor 3 on to what they start", async () => {
    await using pool = pools.open("tasks.py");
    expect(await pool.run("descriptor_3_is_inherited")).toBe(false);
  });

  it("send and tell progress while they run", async () => {
    await using pool = pools.open("tasks.py");
    const heard: unknown[] = [];
    const onMessage = (value: unknown): void => void heard.push(value);
    const onProgress = (...said: unknown[]): void => void heard.push(said);
    const values = [1, new Float32Array([2]), { a: "ä" }];
    await pool.runWith({ onMessage, onProgress }, "tell", values);
    expect(heard[0]).toBe(1);
    expect(heard[1]).toEqual([1 / 3, "1 done"]);
    expect(heard[2]).toEqual(Float32Array.of(2));
    expect(heard.slice(4)).toEqual([{ a: "ä" }, [1, "3 done"]]);
  });

  it("know their task in threads too", async () => {
    await using pool = pools.open("tasks.py");
    expect(await pool.run("in_threads", 10)).toBe(true);
  });

  it("may move their scratch folder to where its content is to stay", async () => {
    await using pool = pools.open("tasks.py");
    const place = join(mkdtempSync(join(tmpdir(), "n-")), "kept");
    await pool.run("move_scratch_to", place);
    expect(readFileSync(join(place, "out"), "utf8")).toBe("kept");
    expect(existsSync((await pool.run("make_scratch")) as string)).toBe(false);
  });

  it("make a worker that has grown too big be replaced", async () => {
    await using pool = pools.open("tasks.py", { recycleAbove: "150 MB" });
    const first = await pool.run("pid");
    await pool.run("add", 1, 2);
    expect(await pool.run("pid")).toBe(first);
    await pool.run("grow", 200);
    await expect.poll(() => pool.run("pid"), { timeout: 60_000 }).not.toBe(first);
  });
});

describe("errors", () => {
  it("carry class, text and Python's traceback without our own frames", async () => {
    await using pool = pools.open("tasks.py");
    const error = await failureOf(pool.run("raise_error", "ValueError", "no such luck"));
    expect(error).toMatchObject({ code: "TASK_FAILED", message: "no such luck", attempts: 1 });
    expect(error.remote).toMatchObject({ name: "ValueError", message: "no such luck" });
    const stack = error.remote?.stack ?? "";
    expect(stack).toMatch(
      /^Traceback \(most recent call last\):\n {2}File ".*tasks\.py", line \d+/,
    );
    expect(stack).toMatch(/ValueError: no such luck$/);
    expect(stack).not.toContain("cofferdam_worker");
  });

  it.each([
    ["a coroutine's", "raise_later", [], { name: "LookupError", message: "later" }],
    ["without a text", "raise_error", ["ValueError"], { name: "ValueError", message: "" }],
    ["whose text raises", "raise_unshowable", [], { name: "Unshowable" }],
    ["of the system", "open_missing", [], { name: "FileNotFoundError", code: "ENOENT" }],
    ["that are no Exception", "raise_error", ["GeneratorExit"], { name: "GeneratorExit" }],
    ["of too few arguments", "add", [1], { name: "TypeError" }],
    ["of too deep recursion", "raise_error", ["RecursionError"], { name: "RecursionError" }],
  ])("%s", async (_, name, args, remote) => {
    await using pool = pools.open("tasks.py");
    const error = await failureOf(pool.run(name, ...args));
    expect(error.code).toBe("TASK_FAILED");
    expect(error.remote).toMatchObject(remote);
    expect(await pool.run("add", 1, 2)).toBe(3);
  });

  it("tell what they were caused by", async () => {
    await using pool = pools.open("tasks.py");
    const { remote } = await failureOf(pool.run("raise_chained"));
    expect(remote?.stack).toMatch(
      /KeyError: 'missing'\n\nThe above exception was the direct cause/,
    );
  });

  it("do not disturb what else is in the batch", async () => {
    await using pool = pools.open("tasks.py");
    const calls = Array.from({ length: 500 }, (_, index) =>
      index % 3 === 0 ? pool.run("raise_error", "KeyError", index) : pool.run("add", index, 0),
    );
    const settled = await Promise.allSettled(calls);
    expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(167);
    for (const [index, one] of settled.entries())
      if (one.status === "fulfilled") expect(one.value).toBe(index);
  });
});
