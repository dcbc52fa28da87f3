import { type ProcessStat, readProcess } from "../census/index.ts";
import { findVictims as findParts, ProcessTree } from "../chaos/victims.ts";
import type { Prng } from "../chaos/prng.ts";
import type { Victim } from "./plan.ts";

/** Who is killed together, and everything that goes with them, themselves included. */
export interface Target {
  readonly victims: readonly ProcessStat[];
  readonly doomed: readonly ProcessStat[];
}

/** `null`: there is none at this moment. */
export function chooseTarget(
  victim: Victim,
  nodePid: number,
  prng: Prng,
  tree = ProcessTree.read(),
): Target | null {
  if (victim === "task") return chooseProcess(nodePid, prng, tree);
  const kind = victim === "node" ? "command" : victim;
  const chosen = prng.pick(findParts(kind, nodePid, tree));
  if (chosen === undefined) return null;
  // Which of two dies first is left to chance.
  const victims = prng.next() < 0.5 ? chosen : chosen.toReversed();
  return { victims, doomed: victims.flatMap((found) => tree.withDescendants(found)) };
}

/**
 * Half of the time a command, with which all of its task must go, else any process of a task. Not
 * Python's resource tracker: when that is killed, nobody is left who knows its semaphores.
 */
function chooseProcess(nodePid: number, prng: Prng, tree: ProcessTree): Target | null {
  const commands = findCommands(nodePid, tree);
  if (prng.next() < 0.5) {
    const command = prng.pick(commands);
    if (command === undefined) return null;
    const above = tree.get(command.ppid);
    const isInit = above !== undefined && above.pid !== nodePid;
    return { victims: [command], doomed: isInit ? tree.withDescendants(above) : [command] };
  }
  const descendants = commands.flatMap((command) => tree.withDescendants(command));
  const found = prng.pick(descendants.filter(isOfTask));
  return found === undefined ? null : { victims: [found], doomed: [found] };
}

/** The tasks' first processes: below an init, which has adopted others since, or below Node. */
export function findCommands(nodePid: number, tree: ProcessTree): ProcessStat[] {
  const keepers = findParts("keeper", nodePid, tree).flat();
  const inits = findParts("init", nodePid, tree).flat();
  if (keepers.length === 0) return tree.childrenOf(nodePid).filter(isOfTask);
  return inits.flatMap((init) =>
    tree
      .childrenOf(init.pid)
      .filter(isOfTask)
      .toSorted((a, b) => a.starttime - b.starttime || a.pid - b.pid)
      .slice(0, 1),
  );
}

function isOfTask({ pid, comm, zombie }: ProcessStat): boolean {
  return !zombie && (comm === "holder" || (comm.startsWith("python") && !isTracker(pid)));
}

/** It outlives its tool, and is then adopted like any other. */
function isTracker(pid: number): boolean {
  return readProcess(pid)?.cmdline.some((word) => word.includes("resource_tracker")) ?? false;
}
