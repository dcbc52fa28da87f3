import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  rmSync,
  lstatSync,
  readdirSync,
  renameSync,
} from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { CofferdamError, errorCode, errorMessage } from "../../errors/index.ts";
import { groupRunNames } from "../run-directory.ts";
import { hasCookie, readProcessTable, type ProcessRow } from "./process-table.ts";
import { isElsewhere, ownPlace, type Place } from "./place.ts";
import { cookieName, killUntilGone } from "./process-tree.ts";

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
        "CREATE TABLE tasks (task INTEGER PRIMARY KEY, pid INTEGER);" +
        "CREATE TABLE place (boot TEXT, namespace TEXT)",
    );
    const { boot, namespace } = ownPlace();
    database.prepare("INSERT INTO place (boot, namespace) VALUES (?, ?)").run(boot, namespace);
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

  /** False: the task's scratch folder could not be removed. */
  ended(task: number): boolean {
    this.#database.prepare("DELETE FROM tasks WHERE task = ?").run(task);
    return removeFolder(join(this.path, `t${task}`));
  }

  close(): void {
    this.#database.close();
    removeFolder(this.path);
  }
}

function ensurePrivate(base: string): void {
  try {
    mkdirSync(base, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== "EEXIST")
      throw new CofferdamError(
        "KEEPER_START",
        `the folder for runs, ${base}, cannot be made (${errorCode(error) ?? errorMessage(error)}); set TMPDIR to a folder that can be written`,
      );
  }
  refuseForeign(base);
}

/**
 * The folder for runs lies where others may write: it must be ours and closed to them. Throws
 * `KEEPER_START` where it is not.
 */
export function refuseForeign(base: string): void {
  const status = lstatSync(base);
  if (!status.isDirectory() || status.uid !== process.getuid?.() || (status.mode & 0o077) !== 0)
    throw new CofferdamError(
      "KEEPER_START",
      `${base} belongs to somebody else or is open to others; remove it, or set TMPDIR to another folder`,
    );
}

/** A run that was found, and what became of it. */
export interface SweptRun {
  readonly run: string;
  /**
   * `stuck`: it is dead, but not all of it could be ended or removed. `unknown`: nobody can tell from
   * here whether something of it lives; it is not touched.
   */
  readonly state: "live" | "dead" | "stuck" | "unknown";
  /** Processes of a dead run that still lived: killed, or in a dry run counted. */
  readonly processes: number;
  readonly removed: boolean;
}

/** A hidden folder is a run that is being made; one this old was cut off while it was. */
const hiddenAgeMs = 60_000;
/** SQLite's primary result code for a lock that somebody else holds. */
const sqliteBusy = 5;

/** Ends and removes what dead runs of this containment have left. */
export async function sweepDeadRuns(base: string): Promise<void> {
  await sweepGroupRuns(base, { dryRun: false });
}

/** The same, and tells of every run. A dry run only looks. */
export async function sweepGroupRuns(
  base: string,
  options: { readonly dryRun: boolean },
): Promise<SweptRun[]> {
  const swept: SweptRun[] = [];
  for (const name of groupRunNames(base)) {
    const result = await sweepRun(base, name, options.dryRun);
    if (result) swept.push(result);
  }
  return swept;
}

/** Null: it is gone meanwhile, or is being made this instant. */
async function sweepRun(base: string, name: string, dryRun: boolean): Promise<SweptRun | null> {
  const path = join(base, name);
  const run = name.replace(".", "");
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (!status?.isDirectory()) return null;
  if (name.startsWith(".") && Date.now() - status.mtimeMs < hiddenAgeMs) return null;
  const lock = await takeLock(path, dryRun);
  if (lock === "held") return { run, state: "live", processes: 0, removed: false };
  // Whose lock nobody can ask for might be alive: it is not touched.
  if (lock === "unreadable")
    return existsSync(path) ? { run, state: "stuck", processes: 0, removed: false } : null;
  try {
    if (isElsewhere(lock.place)) return { run, state: "unknown", processes: 0, removed: false };
    if (dryRun) {
      const { length } = await findMembers(run);
      return { run, state: "dead", processes: length, removed: false };
    }
    const { killed, left } = await killUntilGone(() => findMembers(run));
    const removed = left === 0 && removeFolder(path);
    return { run, state: removed ? "dead" : "stuck", processes: killed.length - left, removed };
  } finally {
    lock.release();
  }
}

/** A lock that was taken, and where the run had its processes, if that is known. */
interface Taken {
  readonly place: Place | undefined;
  release(): void;
}

/** The lock of a run's ledger: whoever gets it knows that the run is dead, and is the only one. */
async function takeLock(path: string, dryRun: boolean): Promise<Taken | "held" | "unreadable"> {
  const { DatabaseSync } = await import("node:sqlite");
  const file = join(path, "ledger.db");
  // It was removed first when the folder was: opening would make another one.
  if (dryRun && !existsSync(file)) return { place: undefined, release: () => undefined };
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
    const opened = database;
    return { place: readPlace(opened), release: () => opened.close() };
  } catch (error) {
    database?.close();
    const code = (error as { errcode?: number }).errcode ?? 0;
    return (code & 0xff) === sqliteBusy ? "held" : "unreadable";
  }
}

/** One that was cut off while it was made has no tables, and never had a process. */
function readPlace(database: DatabaseSync): Place | undefined {
  const table = database.prepare("SELECT name FROM sqlite_schema WHERE name = 'place'").get();
  if (!table) return undefined;
  return database.prepare("SELECT boot, namespace FROM place").get() as Place | undefined;
}

function removeFolder(path: string): boolean {
  for (const prepare of [() => undefined, () => openFolders(path)])
    try {
      prepare();
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
      return true;
    } catch {
      // Folders without permission, the first time; a mount, or another user's files.
    }
  return false;
}

/** Makes folders writable that a task has closed. Follows no link. */
function openFolders(path: string): void {
  if (!lstatSync(path).isDirectory()) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) openFolders(join(path, name));
}

async function findMembers(run: string): Promise<ProcessRow[]> {
  const ours = (entry: string): boolean => entry.startsWith(`${cookieName}=${run}.`);
  const table = await readProcessTable();
  const cookies = table.map((row) => hasCookie(row.pid, ours));
  return table.filter((row, index) => cookies[index] && !row.zombie);
}
