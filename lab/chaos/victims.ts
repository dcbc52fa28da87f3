import { listPids, type ProcessStat, readProcessStat } from "../census/processes.ts";

/** Whom to kill: the program itself, its keeper, or a process that does the work. */
export type VictimKind = "command" | "keeper" | "worker";

export const VICTIM_KINDS: readonly VictimKind[] = ["command", "keeper", "worker"];

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
 * The living candidates. A keeper is a child of the command; its children are inits, one a task,
 * and a child of an init is a worker (or whatever else the task runs).
 */
export function findVictims(
  kind: VictimKind,
  commandPid: number,
  tree = ProcessTree.read(),
): ProcessStat[] {
  const command = tree.get(commandPid);
  const keepers = childrenNamed(tree, commandPid, KEEPER_COMM);
  const found = {
    command: () => (command === undefined ? [] : [command]),
    keeper: () => keepers,
    worker: () =>
      keepers
        .flatMap((keeper) => childrenNamed(tree, keeper.pid, INIT_COMM))
        .flatMap((init) => tree.childrenOf(init.pid)),
  }[kind]();
  return found.filter((stat) => !stat.zombie);
}

function childrenNamed(tree: ProcessTree, pid: number, comm: string): ProcessStat[] {
  return tree.childrenOf(pid).filter((child) => child.comm === comm && !child.zombie);
}
