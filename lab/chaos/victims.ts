import { listPids, type ProcessStat, readProcessStat } from "../census/processes.ts";

/**
 * Whom to kill: the program itself, its keeper, both at once, the init of a task, or a process that
 * does the work.
 */
export type VictimKind = "command" | "keeper" | "both" | "init" | "worker";

export const VICTIM_KINDS: readonly VictimKind[] = ["command", "keeper", "both", "init", "worker"];

// The kernel keeps 15 characters of a program's name.
const KEEPER_COMM = "cofferdam-keeper".slice(0, 15);
const INIT_COMM = "cofferdam-init";

/** All processes, with a way down the tree. */
export class ProcessTree {
  readonly #byParent = new Map<number, ProcessStat[]>();
  readonly #byPid = new Map<number, ProcessStat>();

  static read(): ProcessTree {
    const stats = listPids()
      .map(readProcessStat)
      .filter((stat) => stat !== undefined);
    return new ProcessTree(stats);
  }

  constructor(stats: readonly ProcessStat[]) {
    for (const stat of stats) {
      this.#byPid.set(stat.pid, stat);
      const siblings = this.#byParent.get(stat.ppid);
      if (siblings === undefined) this.#byParent.set(stat.ppid, [stat]);
      else siblings.push(stat);
    }
  }

  get(pid: number): ProcessStat | undefined {
    return this.#byPid.get(pid);
  }

  childrenOf(pid: number): readonly ProcessStat[] {
    return this.#byParent.get(pid) ?? [];
  }

  /** The process and everything below it. */
  withDescendants(root: ProcessStat): ProcessStat[] {
    return [root, ...this.childrenOf(root.pid).flatMap((child) => this.withDescendants(child))];
  }
}

/**
 * The living candidates; those of one list are killed together. A keeper is a child of the command;
 * its children are inits, one a task, and a child of an init is a worker (or whatever else the task
 * runs).
 */
export function findVictims(
  kind: VictimKind,
  commandPid: number,
  tree = ProcessTree.read(),
): ProcessStat[][] {
  const command = tree.get(commandPid);
  const commands = command === undefined || command.zombie ? [] : [command];
  const keepers = childrenNamed(tree, commandPid, KEEPER_COMM);
  const inits = keepers.flatMap((keeper) => childrenNamed(tree, keeper.pid, INIT_COMM));
  // Without namespaces there are no inits, and the keeper has the workers itself.
  const holders = inits.length > 0 ? inits : keepers;
  const workers = holders
    .flatMap((holder) => tree.childrenOf(holder.pid))
    .filter(({ zombie, comm }) => !zombie && comm !== INIT_COMM && comm !== KEEPER_COMM);
  const alone = (stat: ProcessStat): ProcessStat[] => [stat];
  switch (kind) {
    case "command":
      return commands.map(alone);
    case "keeper":
      return keepers.map(alone);
    case "both":
      return commands.flatMap((found) => keepers.map((keeper) => [found, keeper]));
    case "init":
      return inits.map(alone);
    case "worker":
      return workers.map(alone);
  }
}

function childrenNamed(tree: ProcessTree, pid: number, comm: string): ProcessStat[] {
  return tree.childrenOf(pid).filter((child) => child.comm === comm && !child.zombie);
}
