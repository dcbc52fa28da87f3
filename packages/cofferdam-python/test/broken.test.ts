import { describe, expect, it } from "vitest";
import { needsPython } from "./support/interpreters.ts";
import { usePools } from "./support/pools.ts";

const pools = usePools();

describe("a worker that cannot start says why", () => {
  it.each([
    ["a syntax error", "syntax.py", /syntax\.py: SyntaxError: .* \(.*syntax\.py, line 1\)/],
    [
      "an import that fails",
      "import.py",
      /ModuleNotFoundError: No module named 'no_such_module_anywhere' \(.*import\.py, line 3\)/,
    ],
    ["an error further inside", "nested.py", /AttributeError: .* \(.*inner\.py, line 2\)/],
    ["no file", "missing.py", /there is no file .*missing\.py/],
    ["no function", "empty.py", /empty\.py has no function/],
    ["a set-up that fails", "init.py", /ValueError: no model \(.*init\.py, line 2\)/],
    ["a file that leaves", "leaves.py", /exit code 1.*not today/s],
    ["a file that dies", "dies.py", /SIGSEGV.*Segmentation fault.*dies\.py", line 3/s],
  ])("%s", async (_, file, message) => {
    await using pool = pools.open(`broken/${file}`);
    await expect(pool.run("f")).rejects.toMatchObject({
      code: "WORKER_START",
      message: expect.stringMatching(message) as string,
    });
    await expect(pool.run("f")).rejects.toMatchObject({ code: "WORKER_START" });
  });

  it("a file that takes too long", async () => {
    await using pool = pools.open("broken/hangs.py", { startTimeout: "2s" });
    await expect(pool.run("f")).rejects.toMatchObject({
      code: "WORKER_START",
      message: expect.stringMatching(/had not loaded .*hangs\.py after 2s?/) as string,
    });
  });

  it("no interpreter", async () => {
    await using pool = pools.open("tasks.py", { interpreter: "/no/such/python" });
    await expect(pool.run("add", 1, 2)).rejects.toMatchObject({
      code: "WORKER_START",
      message: expect.stringContaining("/no/such/python") as string,
    });
  });

  for (const { name, interpreter } of ["3.8", "3.7", "3.6"].map(needsPython))
    it.skipIf(interpreter === null)(`an interpreter that is too old: ${name}`, async () => {
      await using pool = pools.open("tasks.py", { interpreter: interpreter ?? "" });
      await expect(pool.run("add", 1, 2)).rejects.toMatchObject({
        code: "WORKER_START",
        message: expect.stringContaining("Python 3.9 or newer is needed") as string,
      });
    });
});
