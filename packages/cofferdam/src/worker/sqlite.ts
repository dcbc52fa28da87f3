import type { DatabaseSync, DatabaseSyncOptions } from "node:sqlite";

/** Loaded when it is first needed: most runs share nothing. */
function sqlite(): typeof import("node:sqlite") {
  return process.getBuiltinModule("node:sqlite");
}

export function openDatabase(file: string, options: DatabaseSyncOptions = {}): DatabaseSync {
  return new (sqlite().DatabaseSync)(file, options);
}

const primaryCodes = {
  5: "busy",
  6: "busy",
  8: "unwritable",
  10: "unwritable",
  11: "damaged",
  13: "unwritable",
  14: "unwritable",
  26: "damaged",
} as const;

/** What kind of trouble an error of SQLite tells of; undefined for what is no trouble of the file. */
export function troubleOf(
  error: unknown,
): (typeof primaryCodes)[keyof typeof primaryCodes] | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  const code = Number(error.errcode) & 0xff;
  return Object.hasOwn(primaryCodes, code)
    ? primaryCodes[code as keyof typeof primaryCodes]
    : undefined;
}

export function isBusy(error: unknown): boolean {
  return troubleOf(error) === "busy";
}

/**
 * Runs `change` in one transaction that is written or undone as a whole, and gives its result; null
 * when another process is writing for longer than the database's busy timeout.
 */
export function transact<Value>(database: DatabaseSync, change: () => Value): Value | null {
  try {
    database.exec("BEGIN IMMEDIATE");
  } catch (error) {
    if (isBusy(error)) return null;
    throw error;
  }
  try {
    const value = change();
    database.exec("COMMIT");
    return value;
  } catch (error) {
    // Some errors have undone it already.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
