import { expect, it } from "vitest";
import { HOSTILE_COUNT, HOSTILE_KINDS } from "../hostile/index.ts";
import { childProcess } from "./adapters/child-process.ts";
import { cofferdam } from "./adapters/cofferdam.ts";
import { execa } from "./adapters/execa.ts";
import { adapters } from "./adapters/index.ts";
import { measure } from "./measure.ts";

// The settle time is short: that something survives is seen at once. The peer's deadline is long
// enough for four processes to start on a busy machine; a run in which they did not is no result.
const options = { deadlineMs: 2_000, settleMs: 200 };

const all = Object.values(HOSTILE_KINDS).toSorted();

it("counts all four after the deadline of child_process, and ends them", async () => {
  const found = await measure(childProcess, "deadline", options);
  expect(found.seen).toBe(HOSTILE_COUNT);
  expect(found.survivors.toSorted()).toEqual(all);
  expect(found.emptyAfterMs).toBeNull();
  expect(found.leftByExperiment).toBe(0);
});

it("counts all four and the task after the death of child_process, and ends them", async () => {
  const found = await measure(childProcess, "killed", options);
  expect(found.seen).toBe(HOSTILE_COUNT);
  expect(found.survivors.toSorted()).toEqual([...all, "the task itself"].toSorted());
  expect(found.leftByExperiment).toBe(0);
});

it("counts the two that left the group after the deadline of execa", async (test) => {
  const why = await execa.available();
  test.skip(why !== null, `skipped, because ${why}`);
  const found = await measure(execa, "deadline", options);
  expect(found.seen).toBe(HOSTILE_COUNT);
  expect(found.survivors.toSorted()).toEqual(["double fork", "setsid sleep"]);
  expect(found.leftByExperiment).toBe(0);
});

it("asks every peer for its version, or why it cannot take part", async () => {
  expect(new Set(adapters.map(({ name }) => name)).size).toBe(adapters.length);
  for (const adapter of adapters.filter(({ name }) => name !== "cofferdam")) {
    const why = await adapter.available();
    if (why === null) expect(await adapter.version(), adapter.name).toMatch(/\d/);
    else expect(why, adapter.name).toMatch(/: (npm|apt-get|pip) install/);
  }
});

it.for(["deadline", "killed"] as const)("counts none under Cofferdam: %s", async (column, test) => {
  const why = await cofferdam.available();
  test.skip(why !== null, `skipped, because ${why}`);
  const found = await measure(cofferdam, column, { ...options, settleMs: 20_000 });
  expect(found.stderr).toBe("");
  expect(found.seen).toBe(HOSTILE_COUNT);
  expect(found.survivors).toEqual([]);
  expect(found.otherThings).toBe(0);
});
