import type { Leak, NamedProcess } from "../backend.ts";
import { describeLeak, type Member } from "./ancestry.ts";
import { hasCookie, mayBeResourceTracker, killExactly, readProcessTable } from "./process-table.ts";
import type { ProcessRow } from "./process-table.ts";

export const cookieName = "COFFERDAM_TASK";
/** Python's resource tracker unlinks its semaphores within this time after its siblings died. */
const trackerMs = 3000;
const killRounds = 200;

/**
 * A task's processes, found without help from the kernel: by process group, by an environment
 * cookie, by descent, and by having been seen so before. What changes all of these between two
 * looks is not seen; that is why this containment never says "verified".
 */
export class ProcessTree {
  readonly #root: number;
  readonly #cookie: string;
  readonly #ownGroup: boolean;
  readonly #onLook: (members: readonly ProcessRow[]) => Promise<void>;
  readonly #seen = new Map<number, Member>();
  peakBytes = 0;
  peakCount = 0;

  /**
   * `ownGroup`: the root leads a process group; else it shares ours, which is left in peace.
   * `onLook` gets the living members of each look, before any of them is killed.
   */
  constructor(
    root: number,
    cookie: string,
    ownGroup: boolean,
    onLook: (members: readonly ProcessRow[]) => Promise<void>,
  ) {
    this.#root = root;
    this.#onLook = onLook;
    this.#ownGroup = ownGroup;
    this.#cookie = `${cookieName}=${cookie}`;
  }

  get seenCount(): number {
    return this.#seen.size;
  }

  /** Living members now, the root included. */
  async look(): Promise<ProcessRow[]> {
    const table = await readProcessTable();
    const members = new Set<number>();
    const cookies = table.map((row) => hasCookie(row.pid, (entry) => entry === this.#cookie));
    table.forEach((row, index) => {
      const known = this.#seen.get(row.pid)?.row.startTime === row.startTime;
      if (
        row.pid === this.#root ||
        (this.#ownGroup && row.group === this.#root) ||
        cookies[index] ||
        known
      )
        members.add(row.pid);
    });
    addDescendants(table, members);
    const rows = table.filter((row) => members.has(row.pid) && !row.zombie);
    table.forEach((row, index) => {
      if (!members.has(row.pid) || row.zombie) return;
      if (this.#seen.get(row.pid)?.row.startTime === row.startTime) return;
      const inGroup = this.#ownGroup && row.group === this.#root;
      const how = inGroup ? "own-group" : cookies[index] ? "cookie" : "descent";
      this.#seen.set(row.pid, { row, how });
    });
    this.peakBytes = Math.max(this.peakBytes, totalBytes(rows));
    this.peakCount = Math.max(this.peakCount, rows.length);
    await this.#onLook(rows);
    return rows;
  }

  /** A member that should not be there any more, for the report. */
  describeLeak(row: ProcessRow, command: NamedProcess): Leak {
    return describeLeak(row, this.#seen, command);
  }

  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(this.#ownGroup ? -this.#root : this.#root, signal);
    } catch {
      // Nobody there any more.
    }
  }

  /** Kills until two looks in a row find nobody. Returns what was killed and what is left. */
  killAll(): Promise<{ killed: ProcessRow[]; left: number }> {
    return killUntilGone(() => this.look());
  }
}

/**
 * Kills whom `look` finds until two looks in a row find nobody; Python's resource trackers last.
 * Returns what was killed and how many are left.
 */
export async function killUntilGone(
  look: () => Promise<ProcessRow[]>,
): Promise<{ killed: ProcessRow[]; left: number }> {
  const killed = new Map<number, ProcessRow>();
  let empty = 0;
  let trackersUntil = Date.now() + trackerMs;
  for (let round = 0; round < killRounds && empty < 2; round++) {
    const rows = await look();
    empty = rows.length === 0 ? empty + 1 : 0;
    const trackers = await filterAsync(rows, (row) => mayBeResourceTracker(row.pid));
    const others = rows.filter((row) => !trackers.includes(row));
    if (others.length > 0) trackersUntil = Date.now() + trackerMs;
    const victims = Date.now() < trackersUntil ? others : rows;
    for (const row of victims) killed.set(row.pid, row);
    for (const row of victims) killExactly(row, "SIGKILL");
    if (rows.length > 0) await pause(round < 20 ? 2 : 50);
  }
  return { killed: [...killed.values()], left: empty < 2 ? (await look()).length : 0 };
}

function addDescendants(table: readonly ProcessRow[], members: Set<number>): void {
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const row of table) if (members.has(row.parent)) members.add(row.pid);
  }
}

function totalBytes(rows: readonly ProcessRow[]): number {
  return rows.reduce((sum, row) => sum + row.residentBytes, 0);
}

/** A look that follows a kill gives the system a moment to carry it out. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function filterAsync<Item>(
  items: readonly Item[],
  test: (item: Item) => Promise<boolean>,
): Promise<Item[]> {
  const kept = await Promise.all(items.map(test));
  return items.filter((_, index) => kept[index]);
}
