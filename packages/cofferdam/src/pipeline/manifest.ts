import type { DatabaseSync, StatementSync } from "node:sqlite";
import { CofferdamError, errorMessage } from "../errors/index.ts";

/** Changed when rows of an older program can no longer be understood. */
const manifestVersion = 1;

/** What tells cheaply that a file is the same as last time. */
export interface FileStamp {
  readonly sizeBytes: number;
  /** Nanoseconds, as text: they do not fit a number. */
  readonly modifiedNs: string;
  readonly inode: string;
}

/** What an item was made from, and into what, last time. */
export interface ManifestRow {
  readonly key: string;
  /** Relative to the output folder. Given to this key for good, so that names stay as they are. */
  readonly output: string;
  readonly stamp: FileStamp | null;
  /** SHA-256 of the input, in hex. */
  readonly inputHash: string | null;
  /** Whatever else shapes the result: engine, version, options. */
  readonly recipe: string | null;
  /** Whether a result of ours was ever put under that name (or was about to be). */
  readonly written: boolean;
  readonly outcome: "planned" | "done" | "failed";
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  /** When the failure was recorded, in milliseconds since the epoch. */
  readonly failedAt: number | null;
}

/** What an item's end was found with. */
export interface ItemInput {
  readonly stamp: FileStamp;
  readonly inputHash: string;
  readonly recipe: string;
}

/** One row an item, in SQLite: it survives the death of its writer at any moment. */
export class Manifest implements Disposable {
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;
  readonly #plan: StatementSync;
  readonly #taken: StatementSync;
  readonly #written: StatementSync;
  readonly #record: StatementSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#find = database.prepare("SELECT * FROM items WHERE key = ?");
    this.#taken = database.prepare("SELECT 1 FROM items WHERE output = ? COLLATE NOCASE");
    this.#plan = database.prepare("INSERT INTO items (key, output) VALUES (?, ?)");
    this.#written = database.prepare("UPDATE items SET written = 1 WHERE key = ?");
    this.#record = database.prepare(
      "UPDATE items SET size = ?, modified = ?, inode = ?, input_hash = ?, recipe = ?, outcome = ?," +
        " error_code = ?, error_message = ?, failed_at = ? WHERE key = ?",
    );
  }

  /**
   * Rejects with `MANIFEST_DAMAGED` for a file that cannot be read as a manifest, and with `OUTPUT`
   * where the disk does not let it be written.
   */
  static async open(file: string): Promise<Manifest> {
    const { DatabaseSync } = await import("node:sqlite");
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(file);
      database.exec(
        "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
      );
      const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
      if (version !== 0 && version !== manifestVersion)
        throw new Error(
          `it is of version ${String(version)}; this program writes ${manifestVersion}`,
        );
      database.exec(schema);
      addMissingColumn(database);
      return new Manifest(database);
    } catch (error) {
      database?.close();
      if (/disk is full|disk I\/O error|readonly database/i.test(errorMessage(error)))
        throw new CofferdamError(
          "OUTPUT",
          `the manifest ${file} cannot be written (${errorMessage(error)}); see whether the disk is full or read-only, and run it again: nothing was changed`,
          { cause: error },
        );
      throw new CofferdamError(
        "MANIFEST_DAMAGED",
        `the manifest ${file} cannot be used (${(error as Error).message}); move it away to start anew: every item is then done again`,
        { cause: error },
      );
    }
  }

  find(key: string): ManifestRow | null {
    const row = this.#find.get(key);
    return row ? decodeRow(row) : null;
  }

  isOutputTaken(output: string): boolean {
    return this.#taken.get(output) !== undefined;
  }

  /** Gives an output's name to a key, before anything is written there. */
  plan(key: string, output: string): void {
    this.#plan.run(key, output);
  }

  /** To be called before a result appears: from then on the file of that name is this key's. */
  markWritten(key: string): void {
    this.#written.run(key);
  }

  recordDone(key: string, stamp: FileStamp, inputHash: string, recipe: string): void {
    this.#record.run(
      stamp.sizeBytes,
      stamp.modifiedNs,
      stamp.inode,
      inputHash,
      recipe,
      "done",
      null,
      null,
      null,
      key,
    );
  }

  /** `input`: of a failure that the same input would have again, which later runs then know. */
  recordFailed(
    key: string,
    error: { code: string; message: string },
    at: number,
    input: ItemInput | null,
  ): void {
    this.#record.run(
      input?.stamp.sizeBytes ?? null,
      input?.stamp.modifiedNs ?? null,
      input?.stamp.inode ?? null,
      input?.inputHash ?? null,
      input?.recipe ?? null,
      "failed",
      error.code,
      error.message,
      at,
      key,
    );
  }

  /** Makes many small changes one. */
  transaction(change: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      change();
      this.#database.exec("COMMIT");
    } catch (error) {
      // Where the disk is full SQLite may have done it already.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

const schema = `
  CREATE TABLE IF NOT EXISTS items (
    key TEXT PRIMARY KEY,
    output TEXT NOT NULL,
    size INTEGER,
    modified TEXT,
    inode TEXT,
    input_hash TEXT,
    recipe TEXT,
    written INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT 'planned',
    error_code TEXT,
    error_message TEXT,
    failed_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS items_output ON items (output COLLATE NOCASE);
  PRAGMA user_version = ${manifestVersion};
`;

/** Manifests of earlier programs have all but this column, and those programs do without it. */
function addMissingColumn(database: DatabaseSync): void {
  const columns = database.prepare("SELECT name FROM pragma_table_info('items')").all();
  if (columns.some(({ name }) => name === "failed_at")) return;
  database.exec("ALTER TABLE items ADD COLUMN failed_at INTEGER");
}

type Row = NonNullable<ReturnType<StatementSync["get"]>>;

function decodeRow(row: Row): ManifestRow {
  const text = (name: string): string | null => {
    const value = row[name];
    return value === null || value === undefined ? null : String(value);
  };
  const modifiedNs = text("modified");
  const outcome = text("outcome");
  return {
    key: text("key") ?? "",
    output: text("output") ?? "",
    stamp:
      modifiedNs === null
        ? null
        : { sizeBytes: Number(row["size"]), modifiedNs, inode: text("inode") ?? "" },
    inputHash: text("input_hash"),
    recipe: text("recipe"),
    written: row["written"] === 1,
    outcome: outcome === "done" || outcome === "failed" ? outcome : "planned",
    errorCode: text("error_code"),
    errorMessage: text("error_message"),
    failedAt: row["failed_at"] === null ? null : Number(row["failed_at"]),
  };
}
