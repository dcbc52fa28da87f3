/** Workers that are any program: the one in C of the examples, and ones that do it wrong. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openScope, type Pool, type PoolOptions, type Scope } from "cofferdam";

interface Sum {
  sum(numbers: Float64Array): number;
}

const source = fileURLToPath(new URL("../../../../examples/workers/sum.c", import.meta.url));
const hasCompiler = spawnSync("cc", ["--version"]).status === 0;

let scope: Scope;

beforeEach(async () => {
  scope = await openScope();
});

afterEach(async () => {
  const report = await scope.close();
  expect(report.processes.left).toBe(0);
});

function openPool(program: [string, ...string[]], options: PoolOptions = {}): Pool<Sum> {
  return scope.pool<Sum>({ program }, { workers: 1, grace: "200ms", ...options });
}

function compile(): string {
  const binary = join(mkdtempSync(join(tmpdir(), "c-")), "sum");
  const args = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-o", binary, source];
  const { status, stderr } = spawnSync("cc", args, { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return binary;
}

/** A worker of which each line is a message to send, after a `hello` has come. */
function shellWorker(...steps: string[]): [string, ...string[]] {
  const file = join(mkdtempSync(join(tmpdir(), "p-")), "worker.py");
  const lines = ["import os, struct, time", "def tell(text):"];
  lines.push("    text = text.encode()");
  lines.push("    os.write(3, struct.pack('<II', 4 + len(text), len(text)) + text)");
  lines.push("os.read(3, 65536)", ...steps, "time.sleep(600)");
  writeFileSync(file, lines.join("\n"));
  return ["python3", file];
}

const ready = `tell('{"t":"ready","names":["sum"]}')`;
const nextTask = "os.read(3, 65536)";

describe("a program that speaks the worker protocol", () => {
  it.skipIf(!hasCompiler)(
    hasCompiler ? "in C" : "in C (skipped, because there is no C compiler here)",
    async () => {
      await using pool = openPool([compile()], { workers: 2 });
      expect(await pool.run("sum", Float64Array.of(1, 2, 3.5))).toBe(6.5);
      const sums = Array.from({ length: 200 }, (_, index) =>
        pool.run("sum", new Float64Array(index).fill(2)),
      );
      expect(await Promise.all(sums)).toEqual(sums.map((_, index) => 2 * index));
      expect(await pool.run("sum", new Float64Array(2_000_000).fill(1))).toBe(2_000_000);
    },
  );

  it("is given one task at a time", async () => {
    const answer = `tell('{"t":"result","id":%d,"value":%d}' % (id, at))`;
    const find = `header = ${nextTask}; id = int(header.split(b'"id":')[1].split(b',')[0])`;
    await using pool = openPool(
      shellWorker(ready, "for at in range(9):", `    ${find}`, `    ${answer}`),
    );
    const numbers = new Float64Array();
    expect(await Promise.all([1, 2, 3].map(() => pool.run("sum", numbers)))).toEqual([0, 1, 2]);
  });
});

it("gives a program its strings as JSON, however long", async () => {
  const text = "x".repeat(20_000);
  const find = `header = ${nextTask}; id = int(header.split(b'"id":')[1].split(b',')[0])`;
  const isThere = `1 if b'"args":["${"x".repeat(9)}' in header and b'"$"' not in header else 0`;
  const answer = `tell('{"t":"result","id":%d,"value":%d}' % (id, ${isThere}))`;
  await using pool = openPool(shellWorker(ready, find, answer));
  expect(await pool.run("sum", text as never)).toBe(1);
});

describe("a program that takes many tasks at once", () => {
  it("may say of the one given first that it had not begun when it was cancelled", async () => {
    const worker = shellWorker(
      "import signal",
      "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
      `tell('{"t":"ready","names":["sum"],"batch":true}')`,
      `given = ${nextTask}`,
      `if b'[1,"sum"' in given:`,
      `    while b'"cancel"' not in given: given += ${nextTask}`,
      `    tell('{"t":"dropped","id":1}')`,
      `else:`,
      `    tell('{"t":"result","id":2,"value":2}')`,
    );
    // So that its answer settles the task, and not its end.
    await using pool = openPool(worker, { grace: "60s" });
    const abort = new AbortController();
    const options = { signal: abort.signal, onStart: () => setImmediate(() => abort.abort()) };
    await expect(pool.runWith(options, "sum", new Float64Array())).rejects.toMatchObject({
      code: "CANCELLED",
    });
    // It is being ended, so another takes the next.
    expect(await pool.run("sum", new Float64Array())).toBe(2);
  });

  it.each([
    [1, "runs again", { value: 6 }],
    [0, "fails", { reason: { code: "CRASH" } }],
  ])(
    "with `retries: { crash: %i }`, a task beside a cancelled one %s",
    async (crash, _, ending) => {
      const answer = (id: string): string =>
        `tell('{"t":"results","us":4,"plain":1,"list":[%s,%s]}' % (${id}, ${id}))`;
      const worker = shellWorker(
        "import signal",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        `tell('{"t":"ready","names":["sum"],"batch":true}')`,
        "while True:",
        `    given = ${nextTask}`,
        `    if b'"cancel"' in given: ${answer("5")}`,
        `    elif b'[5,"sum"' not in given: ${answer(`given.split(b'"list":[')[1].split(b',')[0].decode()`)}`,
      );
      await using pool = openPool(worker, { retries: { crash } });
      const none = [] as unknown as Float64Array; // without a part of its own, so told in one frame
      for (let call = 0; call < 4; call++) await pool.run("sum", none);
      const abort = new AbortController();
      const options = { signal: abort.signal, onStart: () => setImmediate(() => abort.abort()) };
      const both = [pool.runWith(options, "sum", none), pool.run("sum", none)];
      expect(await Promise.allSettled(both)).toMatchObject([
        { reason: { code: "CANCELLED" } },
        ending,
      ]);
    },
  );
});

describe("a program that does not", () => {
  it("is not there", async () => {
    await using pool = openPool(["/no/such/program"]);
    await expect(pool.run("sum", new Float64Array())).rejects.toMatchObject({
      code: "WORKER_START",
      message: expect.stringContaining("/no/such/program") as string,
    });
  });

  it("ends at once", async () => {
    await using pool = openPool(["sh", "-c", "echo no licence >&2; exit 3"]);
    await expect(pool.run("sum", new Float64Array())).rejects.toMatchObject({
      code: "WORKER_START",
      message: expect.stringMatching(/exit code 3.*no licence/s) as string,
    });
  });

  it("never says that it is ready", async () => {
    await using pool = openPool(["sleep", "600"], { startTimeout: "1s" });
    await expect(pool.run("sum", new Float64Array())).rejects.toMatchObject({
      code: "WORKER_START",
    });
  });

  it.each([
    ["text", "os.write(3, b'hello, world, this is no frame at all')"],
    ["no JSON", "tell('{')"],
    ["no object", "tell('7')"],
    ["an unknown message", `tell('{"t":"greetings"}')`],
    ["a part that is not there", `tell('{"t":"result","id":1,"value":0,"parts":[9]}')`],
    ["an unknown kind of value", `tell('{"t":"result","id":1,"value":{"$":"spell"}}')`],
    ["an error that is none", `tell('{"t":"error","id":1,"error":null}')`],
    ["an error without a message", `tell('{"t":"error","id":1,"error":{"name":"E"}}')`],
    ["the end of its descriptor", "os.close(3)"],
    ["a task dropped that nobody cancelled", `tell('{"t":"dropped","id":1}')`],
  ])("answers with %s", async (_, step) => {
    const program = shellWorker(ready, nextTask, step);
    await using pool = openPool(program, { retries: { crash: 0 } });
    await expect(pool.run("sum", new Float64Array())).rejects.toMatchObject({ code: "PROTOCOL" });
  });

  it("ignores what it does not know, and answers for a task that nobody gave it", async () => {
    const steps = [ready, nextTask, `tell('{"t":"result","id":99,"value":1}')`];
    await using pool = openPool(shellWorker(...steps, `tell('{"t":"result","id":1,"value":2}')`));
    expect(await pool.run("sum", new Float64Array())).toBe(2);
  });
});
