import { hash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";

const batchSize = 10_000;
const cacheKibibytes = 64 * 1024;

/**
 * Commands that have been done, each as often as it was: a multiset on disk, in a file that nobody
 * else sees and that is gone with this process. Its memory does not grow with its size.
 */
export class DoneSet implements Disposable {
  readonly #database: DatabaseSync;
  readonly #take: StatementSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#take = database.prepare(
      "UPDATE done SET count = count - 1 WHERE digest = ? AND count > 0",
    );
  }

  static async collect(commands: AsyncIterable<string>): Promise<DoneSet> {
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(""); // a temporary file, unlinked as soon as it is open
    database.exec(
      `PRAGMA cache_size = -${cacheKibibytes}; PRAGMA journal_mode = OFF;` +
        "CREATE TABLE done (digest BLOB PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID, STRICT",
    );
    const insert = database.prepare(
      "INSERT INTO done VALUES (?, 1) ON CONFLICT (digest) DO UPDATE SET count = count + 1",
    );
    database.exec("BEGIN");
    let inserted = 0;
    for await (const command of commands) {
      insert.run(digestOf(command));
      if (++inserted % batchSize === 0) database.exec("COMMIT; BEGIN");
    }
    database.exec("COMMIT");
    const set = new DoneSet(database);
    // What is taken during the run need not be written anywhere either.
    database.exec("BEGIN");
    return set;
  }

  /** Whether it was done, and not asked about more often than that. */
  take(command: string): boolean {
    return this.#take.run(digestOf(command)).changes === 1;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function digestOf(command: string): Buffer {
  return hash("sha256", command, "buffer").subarray(0, 16);
}
