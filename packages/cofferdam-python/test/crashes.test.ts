import { describe, expect, it } from "vitest";
import { namespaced } from "../../../test/support/containment.ts";
import { failureOf, usePools } from "./support/pools.ts";

const pools = usePools();

describe("a worker that dies in a task", () => {
  it.each([
    ["os._exit(0)", "leave_at_once", [0], /exit code 0/],
    ["os._exit(3)", "leave_at_once", [3], /exit code 3/],
    ["sys.exit(0)", "leave", [0], /exit code 0/],
    ["sys.exit(None)", "leave", [null], /exit code 0/],
    ["sys.exit of a text", "leave", ["for a reason"], /exit code 1.*for a reason/s],
    ["sys.exit in a coroutine", "leave_from_coroutine", [5], /exit code 5/],
    ["sys.exit beside a thread", "leave_with_thread_left", [], /exit code 4/],
    ["exit() of C", "leave_by_c", [0], /exit code 0/],
    ["abort()", "abort", [], /SIGABRT.*in abort/s],
    ["a segfault", "segfault", [], /SIGSEGV.*crashes\.py", line \d+ in segfault/s],
    ["SIGKILL", "signal_itself", ["SIGKILL"], /SIGKILL/],
    ["SIGTERM", "signal_itself", ["SIGTERM"], /SIGTERM/],
    ["SIGINT", "signal_itself", ["SIGINT"], /SIGINT/],
    ["KeyboardInterrupt", "interrupt", [], /SIGINT/],
    ["the end of the C stack", "overflow_stack", [], /SIGSEGV/],
    ["an end while the result is encoded", "die_in_encoding", [], /exit code 0/],
  ])("is CRASH, and costs no other task anything: %s", async (_, name, args, message) => {
    await using pool = pools.open("crashes.py", { retries: { crash: 0 } });
    const dying = failureOf(pool.run(name, ...args));
    const others = Array.from({ length: 20 }, () => pool.run("fine"));
    const { code, attempts, message: said } = await dying;
    expect({ code, attempts }).toEqual({ code: "CRASH", attempts: 1 });
    expect(said).toMatch(message);
    expect(await Promise.all(others)).toEqual(others.map(() => "fine"));
  });

  it("is tried again once, in another worker", async () => {
    await using pool = pools.open("crashes.py");
    expect(await failureOf(pool.run("leave_at_once", 0))).toMatchObject({
      code: "CRASH",
      attempts: 2,
      quarantined: true,
    });
  });

  it("keeps the result that it had sent", async () => {
    await using pool = pools.open("crashes.py", { retries: { crash: 0 } });
    expect(await pool.run("die_after_result")).toBe("sent");
    expect(await failureOf(pool.run("collect"))).toMatchObject({ code: "CRASH" });
    expect(await pool.run("fine")).toBe("fine");
  });

  it.each(["close_descriptor", "write_nonsense"])("is PROTOCOL: %s", async (name) => {
    await using pool = pools.open("crashes.py", { retries: { crash: 0 } });
    expect(await failureOf(pool.run(name))).toMatchObject({ code: "PROTOCOL" });
    expect(await pool.run("fine")).toBe("fine");
  });
});

describe("a worker that is ended", () => {
  it.each(["spin", "spin_in_c", "ignore_term_and_spin"])(
    "at its task's deadline: %s",
    async (name) => {
      await using pool = pools.open("crashes.py");
      const late = failureOf(pool.runWith({ timeout: "500ms" }, name));
      expect(await late).toMatchObject({ code: "TIMEOUT" });
      expect(await pool.run("fine")).toBe("fine");
    },
  );

  it("above its memory", async () => {
    await using pool = pools.open("crashes.py", { memory: "200 MB", workers: 2 });
    const hungry = failureOf(pool.run("take_memory"));
    expect(await pool.run("fine")).toBe("fine");
    expect(await hungry).toMatchObject({ code: "MEMORY" });
  });

  it(namespaced.name("with all that it started"), async ({ skip }) => {
    if (namespaced.skip) return skip();
    await using pool = pools.open("crashes.py");
    const late = failureOf(pool.runWith({ timeout: "3s" }, "descendants"));
    expect(await late).toMatchObject({ code: "TIMEOUT" });
    expect(await pool.run("fine")).toBe("fine");
  });

  it(namespaced.name("with its semaphores and shared memory"), async ({ skip }) => {
    if (namespaced.skip) return skip();
    await using pool = pools.open("crashes.py");
    const late = failureOf(pool.runWith({ timeout: "2s" }, "shared_objects"));
    expect(await late).toMatchObject({ code: "TIMEOUT" });
    expect(await pool.run("fine")).toBe("fine");
  });
});

describe("processes of a worker's own", () => {
  it.each(["fork", "spawn", "forkserver"])("Python's pool, by %s", async (method) => {
    await using pool = pools.open("crashes.py");
    expect(await pool.run("with_pool", method)).toEqual([0, 1, 4, 9, 16]);
  });

  it("a fork cannot speak for the worker", async () => {
    await using pool = pools.open("crashes.py");
    expect(await pool.run("fork_speaks")).toBe(7);
    expect(await pool.run("fine")).toBe("fine");
  });
});
