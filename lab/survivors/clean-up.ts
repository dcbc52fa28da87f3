import { lstatSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Census, EmptinessReport, ProcessEntry } from "../census/index.ts";
import { findHolders } from "../census/holders.ts";
import { CLEANUP_DEADLINE_MS, endLeftovers, killExactly } from "../kill.ts";

/** Python's, which unlink the semaphores and shared memory of a process that has died. */
export function isResourceTracker({ cmdline }: Pick<ProcessEntry, "cmdline">): boolean {
  return cmdline.some((word) => word.includes("resource_tracker"));
}

/** How long a tracker is given when all that it tracks are dead. */
const TRACKER_DEADLINE_MS = 5_000;

/**
 * Ends what a peer left, by the census's cookie, and gives how many things are left all the same.
 * Trackers come last and end by themselves: killed, they would leave what they are there to
 * remove. What then still lies in `/dev/shm` is removed if a survivor was using it; an experiment that
 * knows more by name removes it by `removeNamed`.
 */
export async function cleanUp(
  census: Census,
  report: EmptinessReport,
  removeNamed: () => void = () => undefined,
): Promise<number> {
  const holders = findHolders(report.left.processes.map((entry) => entry.process));
  const held = report.left.sharedMemory.filter((file) => holders.ofFile(file).length > 0);

  const carriesCookie = ({ cookie }: ProcessEntry): boolean => cookie === census.cookie;
  const start = performance.now();
  while (performance.now() - start < TRACKER_DEADLINE_MS) {
    const left = census.observe().map((entry) => entry.process);
    if (!left.some(carriesCookie)) break;
    for (const entry of left) {
      if (carriesCookie(entry) && !isResourceTracker(entry)) killExactly(entry);
    }
    await delay(10);
  }

  for (const file of held) {
    if (lstatSync(file.path, { throwIfNoEntry: false })?.ino === file.inode) rmSync(file.path);
  }
  removeNamed();
  return (await endLeftovers(census, CLEANUP_DEADLINE_MS)).length;
}
