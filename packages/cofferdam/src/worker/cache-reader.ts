import { crc32 } from "node:zlib";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { openDatabase } from "./sqlite.ts";

/** One row for `goodValue`; its parameter is the key's hash. */
export const selectEntry = "SELECT value, crc, stored_at, expires_at FROM entries WHERE key = ?";

type Row = NonNullable<ReturnType<StatementSync["get"]>>;

/** A clock that was set back by more than this makes ages unknown; smaller steps are usual. */
const clockStepMs = 60_000;

/** The stored bytes, unless they have expired or are not those that were stored. */
export function goodValue(row: Row | undefined): Uint8Array | undefined {
  return row && isFresh(row, Date.now()) && isWhole(row) ? (row["value"] as Uint8Array) : undefined;
}

function isFresh({ expires_at: expiresAt, stored_at: storedAt }: Row, now: number): boolean {
  if (expiresAt === null) return true;
  return now < Number(expiresAt) && now >= Number(storedAt) - clockStepMs;
}

/** Bytes can rot on a disk without the database's noticing. */
export function isWhole(row: Row): boolean {
  return crc32(row["value"] as Uint8Array) === row["crc"];
}

/**
 * Reads a cache's file from a worker itself: what is stored already needs no question to the parent.
 * Only the parent writes.
 */
export class CacheReader {
  readonly file: string;
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;

  constructor(file: string) {
    this.file = file;
    this.#database = openDatabase(file, { readOnly: true });
    try {
      this.#get = this.#database.prepare(selectEntry);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return goodValue(this.#get.get(key));
  }

  close(): void {
    this.#database.close();
  }
}
