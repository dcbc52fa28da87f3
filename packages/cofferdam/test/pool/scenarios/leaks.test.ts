/** Fault scenarios 26 and 33 to 40: what may stay behind. After each, the census looks for it. */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { PoolOptions } from "cofferdam";
import { openDescriptors } from "../../../../../lab/census/index.ts";
import { childrenOf } from "../../../../../test/support/processes.ts";
import { Program } from "../../../../../test/support/program.ts";
import type { FaultPool } from "./languages.ts";
import { failureOf, openFaultPool, started } from "./languages.ts";
import { forEachLanguage, killWorker } from "./support.ts";

const program = fileURLToPath(new URL("../../fixtures/leaving.ts", import.meta.url));

forEachLanguage((language, stage) => {
  const open = (options: PoolOptions = {}): FaultPool =>
    openFaultPool(stage().scope, language, options);
  const tree = (): string => stage().scope.containment.tree;

  it.runIf(language.name === "Node")("26: pools inside workers inside workers", async () => {
    await using pool = open({ workers: 1 });
    expect(await pool.run("nested", 2)).toBe(42);
  });

  it.runIf(language.name === "Node")(
    "26: ended while the pool inside holds descendants",
    async () => {
      await using pool = open({ workers: 1 });
      const heard = Promise.withResolvers<unknown>();
      const task = failureOf(pool.runWith({ onMessage: heard.resolve }, "nestedForever"));
      await heard.promise;
      await pool[Symbol.asyncDispose]();
      expect((await task).code).toBe("CANCELLED");
    },
  );

  it.each(["idle", "working"])("33: the program is killed while workers are %s", async (how) => {
    if (tree() === "group") return; // without a keeper the next start has to help
    const held = new Program([program, language.name, "stay"]);
    await held.said(how === "idle" ? /READY/ : /WORKING/);
    process.kill(held.child.pid ?? 0, "SIGKILL");
    await held.finished;
  });

  it("34: a tree of four levels is gone with its task", async () => {
    await using pool = open({ workers: 1 });
    expect(await failureOf(pool.runWith({ timeout: "700ms" }, "startTree", 4))).toMatchObject({
      code: "TIMEOUT",
    });
  });

  it("35, 40c, 40d: semaphores, shared memory and SysV objects of a killed tree", async () => {
    if (tree() !== "namespace") return; // elsewhere: `keeper` and `lab/semaphores`
    await using pool = open({ workers: 1 });
    const heard = Promise.withResolvers<unknown>();
    const task = failureOf(pool.runWith({ onMessage: heard.resolve }, "makeObjects"));
    expect(await heard.promise).toBe("held");
    for (const worker of stage().workers) killWorker(worker);
    await heard.promise;
    await pool[Symbol.asyncDispose]();
    expect(["CANCELLED", "CRASH"]).toContain((await task).code);
  });

  it("36: a worker inherits nothing of ours, and its standard input is at its end", async () => {
    await using pool = open({ workers: 1 });
    const files = (await pool.run("descriptors")).map((line) => line.split(" "));
    const inherited = files.filter(
      ([fd, target]) =>
        Number(fd) > 3 &&
        !/^anon_inode|^pipe|^\/proc|^socket|\/dev\/null|\.py$|^\/dev\/urandom/.test(target ?? "") &&
        !(fd === "4" && target?.startsWith("/memfd:cofferdam-bulk")) && // for large values
        !(fd === "5" && target?.endsWith("/.jobserver")),
    );
    expect(inherited).toEqual([]);
    const sockets = files.filter(([, target]) => target?.startsWith("socket:"));
    if (tree() !== "group") expect(sockets).toHaveLength(1);
    expect(await pool.run("readInput")).toBe(0);
  });

  it("38: the number of CPUs is what this process may use", async () => {
    const all = await new Program([program, language.name, "cpus"]).finished;
    expect(all.stdout).toBe(`CPUS ${availableParallelism()}\n`);
    const one = await new Program([program, language.name, "cpus"], { cpu: 0 }).finished;
    expect(one.stdout).toBe("CPUS 1\n");
  });

  it("39: a worker that grows is replaced, and nobody notices", async () => {
    await using pool = open({ workers: 1, recycleAbove: "250 MB" });
    const first = await pool.run("pid");
    for (let task = 0; task < 100; task++) await pool.run("leak", 3_000_000);
    // Its size is looked at ten times a second: asked until another answers.
    let now = first;
    while (now === first) now = await pool.run("pid");
    expect(stage().workers.length).toBeGreaterThan(1);
    await expect.poll(() => stage().alive.size, { timeout: 30_000 }).toBe(1);
  });

  it("39: what loading takes for a while replaces no worker", async () => {
    await using pool = open({ workers: 1, recycleAbove: "250 MB", init: { takes: 400_000_000 } });
    expect(await pool.run("add", 1, 1)).toBe(2);
    expect(stage().workers).toHaveLength(1);
  });

  it("40a, 40b: descendants that detach, fork twice, ignore TERM, outlive their leader", async () => {
    await using pool = open({ workers: 2 });
    const { begun, onStart } = started();
    const both = [
      failureOf(pool.runWith({ timeout: "500ms" }, "startDescendants")),
      failureOf(pool.runWith({ onStart, timeout: "60s" }, "startDescendants")),
    ];
    await begun;
    await both[0];
    await pool[Symbol.asyncDispose]();
    expect((await Promise.all(both)).map((error) => error.code)).toEqual(["TIMEOUT", "CANCELLED"]);
  });

  it("40e: a descendant that holds standard output open holds nothing else up", async () => {
    await using pool = open({ workers: 1 });
    await pool.run("holdOutput");
    expect(await pool.run("add", 1, 1)).toBe(2);
    await pool.close();
  });

  it("40f: a hundred pools in a row", { timeout: 900_000 }, async () => {
    {
      await using first = open({ workers: 1 });
      await first.run("add", 0, 0);
    }
    const before = openDescriptors(process.pid) ?? 0;
    for (let round = 0; round < 100; round++) {
      await using pool = open({ workers: 1 });
      expect(await pool.run("add", round, 1)).toBe(round + 1);
    }
    expect(openDescriptors(process.pid) ?? 0).toBeLessThanOrEqual(before + 4);
    const keepers = childrenOf(process.pid).filter(({ name }) => name.startsWith("cofferdam"));
    expect(keepers).toHaveLength(tree() === "group" ? 0 : 1);
  });

  it("40h: a tree that goes on forking while it is killed", async () => {
    await using pool = open({ workers: 1 });
    expect(await failureOf(pool.runWith({ timeout: "700ms" }, "forkOn"))).toMatchObject({
      code: "TIMEOUT",
    });
  });

  it("40j: two programs at once do not touch each other's workers", async () => {
    const other = new Program([program, language.name, "stay"]);
    await other.said(/WORKING/);
    {
      await using pool = open({ workers: 1 });
      expect(await pool.run("add", 1, 1)).toBe(2);
    }
    expect(other.child.exitCode).toBeNull();
    const still = childrenOf(other.child.pid ?? 0);
    expect(still.length).toBeGreaterThan(0);
    process.kill(other.child.pid ?? 0, "SIGTERM");
    await other.finished;
  });
});
