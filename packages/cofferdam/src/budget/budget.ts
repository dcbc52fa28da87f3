/** What one process needs of a budget. */
export interface Need {
  /** Threads that compute at the same time. 0: it mostly waits. */
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Counted things, by name: `{ gpu: 1 }`. */
  readonly resources: Readonly<Record<string, number>>;
}

export interface BudgetLimits {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Names of the units of each counted thing, such as the numbers of the GPUs. */
  readonly resources: Readonly<Record<string, readonly string[]>>;
}

/** A share of a budget, held until it is released. */
export interface Share {
  /** The units of each counted thing: `{ gpu: ["1"] }`. */
  readonly units: Readonly<Record<string, readonly string[]>>;
  release(): void;
}

/**
 * Processes × threads ≤ CPUs, over everything that draws on it. Shares of one thing are given in the
 * order in which they were asked for: a big need is not passed by for ever.
 */
export class Budget {
  readonly limits: BudgetLimits;
  readonly #free: { cpus: number; memoryBytes: number; resources: Record<string, string[]> };
  readonly #waiting: { need: Need; onShare: (share: Share) => void }[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(limits: BudgetLimits) {
    this.limits = limits;
    const resources = Object.entries(limits.resources).map(([name, units]) => [name, [...units]]);
    this.#free = {
      cpus: limits.cpus,
      memoryBytes: limits.memoryBytes,
      resources: Object.fromEntries(resources) as Record<string, string[]>,
    };
  }

  /** Somebody waits for what this need is of: who holds such a share and could do without, should. */
  contended(need: Need): boolean {
    return this.#waiting.some((entry) => compete(entry.need, need));
  }

  /** A sentence when the need is above the whole budget; it would wait for ever. */
  shortfall(need: Need): string | null {
    if (need.cpus > this.limits.cpus)
      return `it needs ${need.cpus} CPUs, and the budget has ${this.limits.cpus}`;
    if (need.memoryBytes > this.limits.memoryBytes)
      return `it needs ${need.memoryBytes} bytes of memory, and the budget has ${this.limits.memoryBytes}`;
    for (const [name, count] of Object.entries(need.resources)) {
      const units = this.limits.resources[name];
      if (!units) return `the budget knows no resource \`${name}\``;
      if (count > units.length)
        return `it needs ${count} of \`${name}\`, and the budget has ${units.length}`;
    }
    return null;
  }

  /** A share now, or null. Nobody who waits is passed by. */
  take(need: Need): Share | null {
    return this.contended(need) || !this.#fits(need) ? null : this.#grant(need);
  }

  /** Hands over a share when there is room and it is this need's turn. Returns the undoing. */
  whenFree(need: Need, onShare: (share: Share) => void): () => void {
    const entry = { need, onShare };
    this.#waiting.push(entry);
    for (const listener of this.#listeners) listener();
    return () => {
      const index = this.#waiting.indexOf(entry);
      if (index < 0) return;
      this.#waiting.splice(index, 1);
      this.#serve();
    };
  }

  /** Calls the listener whenever somebody begins to wait. Returns the undoing. */
  onWaiting(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves with a share. Rejects with the signal's reason. */
  async acquire(need: Need, signal?: AbortSignal): Promise<Share> {
    signal?.throwIfAborted();
    const now = this.take(need);
    if (now) return now;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        forget();
        reject(signal?.reason as Error);
      };
      const forget = this.whenFree(need, (share) => {
        signal?.removeEventListener("abort", onAbort);
        resolve(share);
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  #fits(need: Need): boolean {
    return (
      need.cpus <= this.#free.cpus &&
      need.memoryBytes <= this.#free.memoryBytes &&
      Object.entries(need.resources).every(
        ([name, count]) => count <= (this.#free.resources[name]?.length ?? 0),
      )
    );
  }

  #grant(need: Need): Share {
    this.#free.cpus -= need.cpus;
    this.#free.memoryBytes -= need.memoryBytes;
    const units: Record<string, string[]> = {};
    for (const [name, count] of Object.entries(need.resources))
      units[name] = this.#free.resources[name]?.splice(0, count) ?? [];
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      this.#free.cpus += need.cpus;
      this.#free.memoryBytes += need.memoryBytes;
      for (const [name, given] of Object.entries(units)) this.#free.resources[name]?.push(...given);
      this.#serve();
    };
    return { units, release };
  }

  /** Each that fits, unless one before it waits for the same thing. */
  #serve(): void {
    const passed: Need[] = [];
    for (const entry of [...this.#waiting]) {
      const free = this.#fits(entry.need) && !passed.some((need) => compete(need, entry.need));
      const index = this.#waiting.indexOf(entry);
      if (index < 0) continue; // served while another was
      if (!free) {
        passed.push(entry.need);
        continue;
      }
      this.#waiting.splice(index, 1);
      entry.onShare(this.#grant(entry.need));
    }
  }
}

/** Whether two needs are of the same thing, so that the one can keep the other waiting. */
function compete(one: Need, other: Need): boolean {
  return (
    (one.cpus > 0 && other.cpus > 0) ||
    (one.memoryBytes > 0 && other.memoryBytes > 0) ||
    Object.entries(one.resources).some(
      ([name, count]) => count > 0 && (other.resources[name] ?? 0) > 0,
    )
  );
}
