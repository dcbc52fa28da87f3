import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, lstatSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { CofferdamError } from "../../errors/index.ts";
import { hasCookie, killExactly, readProcessTable } from "./process-table.ts";
import { cookieName } from "./process-tree.ts";

/**
 * The run's folder and ledger without a keeper: a SQLite file that stays locked for as long as this
 * process lives (Node offers no other lock that the kernel takes back). Run names start with `g`,
 * so that the keeper's sweep passes them by.
 */
export class GroupLedger {
  readonly name: string;
  readonly path: string;
  readonly #database: DatabaseSync;

  private constructor(name: string, path: string, database: DatabaseSync) {
    this.name = name;
    this.path = path;
    this.#database = database;
  }

  static async open(base: string): Promise<GroupLedger> {
    const { DatabaseSync } = await import("node:sqlite");
    ensurePrivate(base);
    await sweepDeadRuns(base);
    const name = `g${randomBytes(4).toString("hex")}`;
    const path = join(base, name);
    // Made under a hidden name and renamed once it is locked: no sweep sees it without its lock.
    const hidden = join(base, `.${name}`);
    mkdirSync(hidden, { mode: 0o700 });
    const database = new DatabaseSync(join(hidden, "ledger.db"));
    database.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;" +
        "CREATE TABLE tasks (task INTEGER PRIMARY KEY, pid INTEGER)",
    );
    renameSync(hidden, path);
    return new GroupLedger(name, path, database);
  }

  /** The folder for a task's scratch files, made. */
  scratch(task: number): string {
    const path = join(this.path, `t${task}`);
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  started(task: number, pid: number): void {
    this.#database.prepare("INSERT INTO tasks (task, pid) VALUES (?, ?)").run(task, pid);
  }

  ended(task: number): void {
    this.#database.prepare("DELETE FROM tasks WHERE task = ?").run(task);
    rmSync(join(this.path, `t${task}`), { recursive: true, force: true, maxRetries: 3 });
  }

  close(): void {
    this.#database.close();
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The folder lies where others may write: it must be ours and closed to them. */
function ensurePrivate(base: string): void {
  mkdirSync(base, { recursive: true, mode: 0o700 });
  const status = lstatSync(base);
  if (!status.isDirectory() || status.uid !== process.getuid?.() || (status.mode & 0o077) !== 0)
    throw new CofferdamError(
      "KEEPER_START",
      `${base} belongs to somebody else or is open to others; remove it, or set TMPDIR to another folder`,
    );
}

/** Ends and removes what dead runs of this containment have left. */
export async function sweepDeadRuns(base: string): Promise<void> {
  const runs = readdirSync(base).filter((entry) => /^g[0-9a-f]{8}$/.test(entry));
  if (runs.length === 0) return;
  const { DatabaseSync } = await import("node:sqlite");
  for (const name of runs) {
    const path = join(base, name);
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(join(path, "ledger.db"));
      database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
    } catch {
      database?.close();
      continue; // locked: its owner lives (or it was made this instant)
    }
    await killRun(name);
    rmSync(path, { recursive: true, force: true });
    database.close();
  }
}

/** Kills what carries the cookie of a dead run, until two looks in a row find nothing. */
async function killRun(run: string): Promise<void> {
  const ours = (entry: string): boolean => entry.startsWith(`${cookieName}=${run}.`);
  for (let empty = 0, round = 0; empty < 2 && round < 100; round++) {
    const table = await readProcessTable();
    const cookies = await Promise.all(table.map((row) => hasCookie(row.pid, ours)));
    const members = table.filter((row, index) => cookies[index] && !row.zombie);
    empty = members.length === 0 ? empty + 1 : 0;
    await Promise.all(members.map((row) => killExactly(row, "SIGKILL")));
  }
}
