import type { DatabaseSync } from "node:sqlite";
import { CofferdamError, errorMessage } from "../../errors/index.ts";

/**
 * Opens a manifest's database and makes its tables. Committed changes survive the death of the
 * process at any moment; those of the last moments may be lost with the machine, as a whole.
 * Rejects with `MANIFEST_DAMAGED`, or with `LOCKED` while another process makes it.
 */
export async function openDatabase(
  file: string,
  version: number,
  schema: string,
): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec(
      "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" +
        "PRAGMA cache_size = -32768",
    );
    const found = database.prepare("PRAGMA user_version").get()?.["user_version"];
    if (found !== 0 && found !== version)
      throw new Error(`it is of version ${String(found)}; this program writes ${version}`);
    // A write waits for a run that plans: whoever only looks has nothing to write.
    if (found !== version) database.exec(schema);
    return database;
  } catch (error) {
    database?.close();
    if (isBusy(error))
      throw new CofferdamError(
        "LOCKED",
        `the manifest ${file} is being written by a run; try again in a moment`,
        { cause: error },
      );
    throw new CofferdamError(
      "MANIFEST_DAMAGED",
      `the manifest ${file} cannot be used (${errorMessage(error)}); move it away to start anew: every item is then done again`,
      { cause: error },
    );
  }
}

/** SQLITE_BUSY or SQLITE_LOCKED, of whatever kind. */
function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" && [5, 6].includes(code & 0xff);
}
