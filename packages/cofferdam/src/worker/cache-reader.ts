import { crc32 } from "node:zlib";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { hashOfName } from "./cache-key.ts";
import { openDatabase } from "./sqlite.ts";
import { openValue, type OpenedValue } from "./stored-value.ts";

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

/** How much of what was read a worker keeps in memory. */
const memoryBytesMax = 32 * 1024 * 1024;

interface Remembered {
  readonly row: Row;
  readonly opened: OpenedValue;
  readonly bytes: number;
}

/**
 * Reads a cache's file from a worker itself: what is stored already needs no question to the parent.
 * Only the parent writes. What was read before comes from memory for as long as nobody has written.
 */
export class CacheReader {
  readonly file: string;
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #version: StatementSync;
  /** What was used last comes last. */
  readonly #memory = new Map<string, Remembered>();
  #memoryBytes = 0;
  /** The file's version that the memory is of. */
  #remembered: unknown;
  /** Nothing can have told this process of a change since the file's version was looked at. */
  #current = false;
  /** What was read since `takeUsed` was called. */
  #used = new Set<string>();

  constructor(file: string) {
    this.file = file;
    this.#database = openDatabase(file, { readOnly: true });
    try {
      this.#get = this.#database.prepare(selectEntry);
      this.#version = this.#database.prepare("PRAGMA data_version");
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** What is stored under a key's name, to be decoded anew for each who asks. */
  get(name: string): OpenedValue | undefined {
    if (!this.#current) this.#followChanges();
    const known = this.#memory.get(name);
    if (known) {
      this.#memory.delete(name);
      this.#memory.set(name, known);
      this.#used.add(name);
      return isFresh(known.row, Date.now()) ? known.opened : undefined;
    }
    const row = this.#get.get(hashOfName(name));
    const value = goodValue(row);
    if (!row || !value) return undefined;
    const opened = openValue(value);
    this.#used.add(name);
    this.#remember(name, { row, opened, bytes: value.length });
    return opened;
  }

  /** The keys that were read since this was called the last time, one after the other. */
  takeUsed(): Buffer {
    const keys = hashOfName([...this.#used].join(""));
    this.#used = new Set();
    return keys;
  }

  close(): void {
    this.#database.close();
  }

  /**
   * Forgets what somebody may have changed. Asking costs more than the rest of a hit, so it is done
   * once in each callback of the event loop: within one, nobody can learn of a change elsewhere.
   */
  #followChanges(): void {
    const version = this.#version.get()?.["data_version"];
    if (version !== this.#remembered) {
      this.#memory.clear();
      this.#memoryBytes = 0;
      this.#remembered = version;
    }
    this.#current = true;
    process.nextTick(() => (this.#current = false));
  }

  #remember(name: string, value: Remembered): void {
    this.#memory.set(name, value);
    this.#memoryBytes += value.bytes;
    for (const [oldest, { bytes }] of this.#memory) {
      if (this.#memoryBytes <= memoryBytesMax) return;
      this.#memory.delete(oldest);
      this.#memoryBytes -= bytes;
    }
  }
}
