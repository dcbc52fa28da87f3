/** What a report says of what was left: who started it, how old it is, how it was found. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { openScope, type TaskResult } from "cofferdam";
import { namespaced } from "../../../../test/support/containment.ts";
import { runCli } from "../../../../test/support/program.ts";

const ways = ["", "subreaper", "group"] as const;

/** A shell that a shell starts, and stays with, starts the one that stays. */
const nested = "sh -c 'sh -c \"sleep 600 & exec sleep 601\" & sleep 0.4'";

async function runUnder(way: string, command: string): Promise<TaskResult> {
  const before = process.env["COFFERDAM_CONTAINMENT"];
  process.env["COFFERDAM_CONTAINMENT"] = way;
  try {
    await using scope = await openScope();
    return await scope.exec(["sh", "-c", command]);
  } finally {
    if (before === undefined) delete process.env["COFFERDAM_CONTAINMENT"];
    else process.env["COFFERDAM_CONTAINMENT"] = before;
  }
}

describe.each(ways)("a leaked process (COFFERDAM_CONTAINMENT=%s)", (way) => {
  it("is told with its ancestry, also through those that have ended", async () => {
    const { leaks, stuck } = await runUnder(way, `${nested}; exit 0`);
    expect(stuck).toEqual([]);
    expect(leaks.map(({ name }) => name)).toEqual(["sleep", "sleep"]);
    const [outer, inner] = leaks.toSorted(
      (a, b) => (a.parents?.length ?? 0) - (b.parents?.length ?? 0),
    );
    expect(outer).toMatchObject({ kind: "process", orphaned: false, action: "killed" });
    expect(inner?.parents?.[0]).toEqual({ pid: outer?.pid, name: "sleep" });
    expect(inner?.parents?.at(-1)?.name).toBe("sh");
    expect(inner?.parents?.length).toBe((outer?.parents?.length ?? 0) + 1);
    for (const { ageMs, memoryBytes } of leaks) {
      expect(ageMs).toBeGreaterThan(100);
      expect(ageMs).toBeLessThan(600_000);
      expect(memoryBytes).toBeGreaterThan(4096);
    }
  });

  it("says so where who started it ended unseen", async () => {
    const { leaks } = await runUnder(way, "(setsid sh -c 'sleep 600 & exit' &) ; exit 0");
    expect(leaks).toMatchObject([{ name: "sleep", orphaned: true }]);
    expect(leaks[0]?.parents?.at(-1)?.name).toBe("sh");
  });

  it("is one line for people", async () => {
    const { stderr } = await runCli(["exec", "--", "sh", "-c", "sleep 600 & exit 0"], {
      env: { COFFERDAM_CONTAINMENT: way },
    });
    expect(stderr).toMatch(
      /^cofferdam exec: left behind: process sleep \(\d+\) ← (… ← )?sh \(\d+\), .* old, .*: killed$/m,
    );
  });
});

describe.skipIf(namespaced.skip)(namespaced.name("objects in a namespace"), () => {
  const python = spawnSync("python3", ["--version"]).status === 0;

  it.skipIf(!python)("are told by kind, message queues too", async () => {
    const code = `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
mq_open = getattr(libc, "mq_open", None) or ctypes.CDLL("librt.so.1").mq_open
assert mq_open(b"/left-queue", os.O_CREAT | os.O_RDWR, 0o600, None) >= 0
assert libc.semget(0, 1, 0o1600) >= 0
open("/dev/shm/left", "w").write("x" * 100)
`;
    await using scope = await openScope();
    const { leaks } = await scope.exec(["python3", "-c", code]);
    expect(leaks).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          kind: "message-queue",
          name: "left-queue",
          how: "ipc-namespace",
          action: "removed",
        }),
        expect.objectContaining({ kind: "sysv", how: "ipc-namespace", action: "removed" }),
        expect.objectContaining({
          kind: "shared-memory",
          name: "left",
          sizeBytes: 100,
          how: "private-mount",
          action: "removed",
        }),
      ]),
    );
    expect(leaks).toHaveLength(3);
  });
});
