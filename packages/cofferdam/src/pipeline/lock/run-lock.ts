import type { DatabaseSync } from "node:sqlite";
import { CofferdamError } from "../../errors/index.ts";

/**
 * Holds a folder for one run. The lock is the kernel's (SQLite locks the file for as long as the
 * connection lives), so a killed holder's lock is no lock, and there is nothing to clean up by hand.
 */
export class RunLock implements Disposable {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Rejects with `LOCKED` when another run holds it. */
  static async acquire(file: string, folder: string): Promise<RunLock> {
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(file);
    try {
      // A write makes the lock; the mode makes it stay after the transaction.
      database.exec(
        "PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY;" +
          `PRAGMA user_version = ${process.pid}`,
      );
    } catch (error) {
      database.close();
      if (/locked|busy/i.test(String(error)))
        throw new CofferdamError(
          "LOCKED",
          `another run is writing to ${folder}; wait for it, or choose another folder`,
          { cause: error },
        );
      throw error;
    }
    return new RunLock(database);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
