import { readdirSync, readFileSync } from "node:fs";

/** Between what was started and its pool there may be an init, and a script that starts the other. */
const depthMax = 3;

/**
 * Counts the workers that a pool of Python's `multiprocessing` has lost. The pool puts another in a
 * dead one's place, forgets what it was at work on, and waits for that for ever.
 *
 * Where `/proc` does not tell, nobody is counted.
 */
export class PoolWorkers {
  readonly #root: number;
  readonly #size: number;
  readonly #seen = new Set<number>();

  /** `root`: the host's pid of a process above the pool. `size`: workers that the pool keeps. */
  constructor(root: number, size: number) {
    this.#root = root;
    this.#size = size;
  }

  /** Whoever is seen beyond the pool's size is in a dead one's place. A pool that ends puts nobody. */
  countLost(): number {
    for (const pid of workersBelow(this.#root, depthMax)) this.#seen.add(pid);
    return Math.max(0, this.#seen.size - this.#size);
  }
}

function* workersBelow(pid: number, depth: number): Generator<number> {
  for (const child of childrenOf(pid)) {
    if (readProc(`${child}/cmdline`).includes("--multiprocessing-fork")) yield child;
    else if (depth > 0) yield* workersBelow(child, depth - 1);
  }
}

/** Any thread of a process can be the one that has started a child. */
function childrenOf(pid: number): number[] {
  return listProc(`${pid}/task`).flatMap((thread) =>
    readProc(`${pid}/task/${thread}/children`)
      .split(" ")
      .filter((word) => word !== "")
      .map(Number),
  );
}

/** Empty for a process that has gone. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

function listProc(path: string): string[] {
  try {
    return readdirSync(`/proc/${path}`);
  } catch {
    return [];
  }
}
