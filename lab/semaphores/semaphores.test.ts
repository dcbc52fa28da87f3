import { expect, it } from "vitest";
import { findPython, pythonMissing } from "../survivors/python.ts";
import { cofferdam, cofferdamGroup, cofferdamSubreaper } from "./cofferdam.ts";
import { measure } from "./measure.ts";
import { childProcess } from "./peers.ts";

// The settle time is short for what stays, and generous for what goes away.
const short = { deadlineMs: 1_500, settleMs: 200 };
const generous = { deadlineMs: 1_500, settleMs: 20_000 };

it("finds all that a killed group leaves in /dev/shm, and removes it", async (test) => {
  test.skip(findPython() === null, `skipped, because ${pythonMissing}`);
  const found = await measure(childProcess, "group-kill", short);
  expect(found.made?.sharedMemory, found.stderr).toBe(4);
  expect(found.left).toEqual(found.made);
  expect(found.warned).toBe(0);
  expect(found.leftByExperiment).toBe(0);
});

it("lets the tracker remove what a killed tool leaves, and hears its warning", async (test) => {
  test.skip(findPython() === null, `skipped, because ${pythonMissing}`);
  const found = await measure(childProcess, "root", generous);
  expect(found.made?.sharedMemory, found.stderr).toBe(4);
  expect(found.left.sharedMemory).toBe(0);
  expect(found.warned).toBe(4);
  expect(found.leftByExperiment).toBe(0);
});

it("finds nothing of a tool that ignored TERM under Cofferdam", async (test) => {
  test.skip(findPython() === null, `skipped, because ${pythonMissing}`);
  const why = await cofferdam.available();
  test.skip(why !== null, `skipped, because ${why}`);
  const found = await measure(cofferdam, "group-term", generous);
  expect(found.made?.sharedMemory, found.stderr).toBe(4);
  expect(found.left).toEqual({ sharedMemory: 0, sysv: 0, queues: 0 });
  expect(found.told).toBe(0);
  expect(found.processes).toBe(0);
});

it.for([cofferdamSubreaper, cofferdamGroup])(
  "tells of all that it does not remove: $title",
  async (means, test) => {
    test.skip(findPython() === null, `skipped, because ${pythonMissing}`);
    const why = await means.available();
    test.skip(why !== null, `skipped, because ${why}`);
    const found = await measure(means, "group-kill", generous);
    expect(found.made, found.stderr).toMatchObject({ sharedMemory: 4, sysv: 3 });
    // The semaphore and the queue have a key, and the kernel does not keep who made them.
    expect(found.left).toMatchObject({ sharedMemory: 0, sysv: 2 });
    // Queues that no file system shows are said to be unseen.
    expect(found.told).toBeGreaterThanOrEqual(found.left.sysv);
    expect(found.processes).toBe(0);
    expect(found.leftByExperiment).toBe(0);
  },
);
