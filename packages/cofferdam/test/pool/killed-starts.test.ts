/** Workers that are killed from outside before they are ready. */
import { mkdirSync, mkdtempSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openScope, type Pool, type PoolOptions, type Scope } from "cofferdam";
import type * as Work from "../fixtures/work.ts";
import { monotonicMs } from "../../src/clock.ts";
import { KilledStarts } from "../../src/pool/killed-starts.ts";
import { killWorker } from "./scenarios/support.ts";

const gate = join(mkdtempSync(join(tmpdir(), "gate-")), "open");

/** A cgroup for processes that together may have 20 MB; null where none can be made. */
function smallCgroup(): string | null {
  const name = `cofferdam-test-${process.pid}`;
  const ways = [
    ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
    ["/sys/fs/cgroup", "memory.max"],
  ] as const;
  for (const [root, bound] of ways) {
    const folder = join(root, name);
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    try {
      writeFileSync(join(folder, bound), "20000000");
      return folder;
    } catch {
      rmdirSync(folder);
    }
  }
  return null;
}

const cgroup = smallCgroup();
const skipped = cgroup ? "" : " (skipped, because no cgroup with a bound can be made here)";

afterAll(() => {
  if (cgroup) rmdirSync(cgroup);
});

function openPool(scope: Scope, ...shell: string[]): (options?: PoolOptions) => Pool<typeof Work> {
  const program: [string, ...string[]] = ["sh", "-c", shell.join("; ")];
  return (options) => scope.pool<typeof Work>({ program }, { workers: 1, ...options });
}

describe("how long it is put up with", () => {
  const atOnce = (starts: KilledStarts, times: number): string[] =>
    Array.from({ length: times }, () => starts.add(monotonicMs(), 1));

  it("ends when the last three of a row are killed, and it took so long", () => {
    const starts = new KilledStarts(0);
    expect(atOnce(starts, 3)).toEqual(["luck", "luck", "always"]);
    starts.clear();
    expect(atOnce(starts, 2)).toEqual(["luck", "luck"]);
    expect(atOnce(new KilledStarts(60_000), 10)).not.toContain("always");
  });

  it("begins anew after a time in which none was started", () => {
    const starts = new KilledStarts(0);
    for (let time = 1; time < 10; time++)
      expect(starts.add(monotonicMs() + time * 10_000, 1)).toBe("luck");
  });
});

describe("workers that are killed before they are ready", () => {
  it("are replaced, however many, as long as that has not gone on for long", async () => {
    let killed = 0;
    await using scope = await openScope({
      onEvent: (event) => {
        if (event.type !== "task-started") return;
        if (++killed <= 40) killWorker(event.pid);
        else writeFileSync(gate, "");
      },
    });
    // It becomes ready only when nobody is killed any more.
    await using pool = openPool(
      scope,
      `while ! test -e ${gate}; do sleep 0.01; done`,
      `exec ${process.execPath} -e 'process.exit(7)'`,
    )();
    const failing = pool.run("add", 1, 2);
    await expect(failing).rejects.toMatchObject({
      code: "WORKER_START",
      message: expect.stringContaining("exit code 7") as string,
    });
    expect(killed).toBe(43); // three that ended by themselves
  });

  it("fail the pool when all are, and a start would have had the time", async () => {
    await using scope = await openScope();
    await using pool = openPool(
      scope,
      "echo no mercy >&2",
      "kill -KILL $$",
    )({ startTimeout: "1s" });
    await expect(pool.run("add", 1, 2)).rejects.toMatchObject({
      code: "WORKER_START",
      message: expect.stringMatching(
        /^for [\d.]+ s every worker for sh .* \d+ of them.*no mercy/s,
      ) as string,
    });
  });

  it.skipIf(!cgroup)(
    `fail the pool when the machine has no memory for them${skipped}`,
    async () => {
      await using scope = await openScope();
      const join = `echo $$ > ${cgroup}/cgroup.procs`;
      await using pool = openPool(scope, join, "exec tail /dev/zero")({ startTimeout: "10d" });
      await expect(pool.run("add", 1, 2)).rejects.toMatchObject({
        code: "WORKER_START",
        message: expect.stringContaining("for want of memory") as string,
      });
    },
  );
});
