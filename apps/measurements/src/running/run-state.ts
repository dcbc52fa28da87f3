import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { CofferdamError, errorCode, errorMessage } from "cofferdam";
import type { InputStamp } from "./inputs.ts";
import { outputError, whyNoFolder } from "./output-error.ts";

/** Changed when rows of an older program can no longer be understood. */
const stateVersion = 1;

/** What became of an input, and from which bytes. */
export interface StateRow<Result> {
  readonly source: string;
  readonly stamp: InputStamp | null;
  readonly hash: string | null;
  /** All that shaped the result beside the input. */
  readonly recipe: string;
  /** The run that did it. */
  readonly run: number;
  readonly result: Result;
}

/**
 * What a stage has done, in `_manifest/state.db` of its output folder: one row an input, one row a
 * run. It is the run's lock as well: the kernel holds it for as long as this process lives, so a
 * killed run's lock is none. A run that did not end is taken up again by the next with its key.
 */
export class RunState<Result> implements Disposable {
  /** Where unfinished files lie. Emptied when the state is opened. */
  readonly unfinished: string;
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #rows: Map<string, StateRow<Result>>;

  private constructor(database: DatabaseSync, file: string, unfinished: string) {
    this.#file = file;
    this.#database = database;
    this.unfinished = unfinished;
    this.#put = database.prepare(
      "INSERT OR REPLACE INTO inputs (source, size, modified, inode, hash, recipe, run, result)" +
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#rows = new Map(
      database
        .prepare("SELECT * FROM inputs")
        .all()
        .map((row) => [String(row["source"]), decodeRow<Result>(row)]),
    );
  }

  /** Makes the folder where it is missing. Rejects with `OUTPUT`, `LOCKED` or `MANIFEST_DAMAGED`. */
  static async open<Result>(folder: string): Promise<RunState<Result>> {
    const unfinished = join(folder, "unfinished");
    const file = join(folder, "state.db");
    try {
      mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw unusable(folder, error);
    }
    const database = await openDatabase(file, folder);
    try {
      rmSync(unfinished, { recursive: true, force: true });
      mkdirSync(unfinished);
      return new RunState(database, file, unfinished);
    } catch (error) {
      database.close();
      throw unusable(folder, error);
    }
  }

  find(source: string): StateRow<Result> | undefined {
    return this.#rows.get(source);
  }

  all(): Iterable<StateRow<Result>> {
    return this.#rows.values();
  }

  /**
   * The number of the run with this key: that of the last one, where it did not end and had the same;
   * what it did counts as done by this one. `isAfterUnended`: the last one, of whatever key, did not
   * end. Throws `OUTPUT`, as all that write do.
   */
  beginRun(key: string): { run: number; isAfterUnended: boolean } {
    const last = this.#database
      .prepare("SELECT run, recipe, ended FROM runs ORDER BY run DESC LIMIT 1")
      .get();
    const isAfterUnended = last?.["ended"] === 0;
    if (isAfterUnended && last["recipe"] === key)
      return { run: Number(last["run"]), isAfterUnended };
    const { lastInsertRowid } = this.#write(() =>
      this.#database.prepare("INSERT INTO runs (recipe, ended) VALUES (?, 0)").run(key),
    );
    return { run: Number(lastInsertRowid), isAfterUnended };
  }

  endRun(run: number): void {
    this.#write(() => this.#database.prepare("UPDATE runs SET ended = 1 WHERE run = ?").run(run));
  }

  /** Records what is done: all of it or, where this process dies meanwhile, nothing. */
  record(rows: readonly StateRow<Result>[]): void {
    this.#writeAll(() => {
      for (const { source, stamp, hash, recipe, run, result } of rows) {
        const { sizeBytes = null, modifiedMs = null, inode = null } = stamp ?? {};
        const text = JSON.stringify(result);
        this.#put.run(source, sizeBytes, modifiedMs, inode, hash, recipe, run, text);
      }
    });
    for (const row of rows) this.#rows.set(row.source, row);
  }

  forget(sources: readonly string[]): void {
    const remove = this.#database.prepare("DELETE FROM inputs WHERE source = ?");
    this.#writeAll(() => {
      for (const source of sources) remove.run(source);
    });
    for (const source of sources) this.#rows.delete(source);
  }

  #writeAll(change: () => void): void {
    this.#write(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        change();
        this.#database.exec("COMMIT");
      } catch (error) {
        // Where the disk is full SQLite may have done it already.
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #write<Value>(change: () => Value): Value {
    try {
      return change();
    } catch (error) {
      throw outputError(`the state ${this.#file}`, error);
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

const schema = `
  CREATE TABLE IF NOT EXISTS inputs (
    source TEXT PRIMARY KEY,
    size INTEGER,
    modified REAL,
    inode INTEGER,
    hash TEXT,
    recipe TEXT NOT NULL,
    run INTEGER NOT NULL,
    result TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS runs (
    run INTEGER PRIMARY KEY AUTOINCREMENT,
    recipe TEXT NOT NULL,
    ended INTEGER NOT NULL
  ) STRICT;
  PRAGMA user_version = ${stateVersion};
`;

async function openDatabase(file: string, folder: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    // Exclusive, so that the first write locks the file for as long as this connection lives.
    database.exec(
      "PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE;" +
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
    );
    const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
    if (version !== 0 && version !== stateVersion)
      throw new Error(`it is of version ${String(version)}; this program writes ${stateVersion}`);
    database.exec(schema);
    return database;
  } catch (error) {
    database?.close();
    if (/locked|busy/i.test(String(error)))
      throw new CofferdamError(
        "LOCKED",
        `another run is writing to ${folder}; wait for it, or choose another folder`,
        { cause: error },
      );
    if (/disk is full|disk I\/O error|readonly database|unable to open/i.test(String(error)))
      throw new CofferdamError(
        "OUTPUT",
        `the state ${file} cannot be written (${errorMessage(error)}); see whether the disk is full or read-only, or the file another user's, and run it again: nothing was changed`,
        { cause: error },
      );
    throw new CofferdamError(
      "MANIFEST_DAMAGED",
      `the state ${file} cannot be used (${errorMessage(error)}); move it away to start anew: everything is then done again`,
      { cause: error },
    );
  }
}

function decodeRow<Result>(row: Record<string, unknown>): StateRow<Result> {
  const { size, modified, inode } = row;
  const stamp =
    size === null
      ? null
      : { sizeBytes: Number(size), modifiedMs: Number(modified), inode: Number(inode) };
  return {
    source: String(row["source"]),
    stamp,
    hash: row["hash"] as string | null,
    recipe: String(row["recipe"]),
    run: Number(row["run"]),
    result: JSON.parse(String(row["result"])) as Result,
  };
}

function unusable(folder: string, error: unknown): CofferdamError {
  const code = errorCode(error);
  const why =
    code === "ENOTDIR" || code === "EEXIST"
      ? "it is a file, or lies below one; give a folder"
      : `${whyNoFolder(folder, error)}; see whether the disk is full or read-only, or the folder another user's, or choose another folder: nothing was changed`;
  return new CofferdamError("OUTPUT", `the folder ${folder} cannot be used: ${why}`, {
    cause: error,
  });
}
