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

/** How much of what was read a worker keeps in memory. */
const memoryBytesMax = 32 * 1024 * 1024;

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
  readonly #memory = new Map<string, Row>();
  #memoryBytes = 0;
  /** The file's version that the memory is of. */
  #remembered: unknown;
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

  get(key: Uint8Array): Uint8Array | undefined {
    const version = this.#version.get()?.["data_version"];
    if (version !== this.#remembered) this.#forget(version);
    const name = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
    const known = this.#memory.get(name);
    if (known) {
      this.#memory.delete(name);
      this.#memory.set(name, known);
      this.#used.add(name);
      return isFresh(known, Date.now()) ? (known["value"] as Uint8Array) : undefined;
    }
    const row = this.#get.get(key);
    const value = goodValue(row);
    if (!row || !value) return undefined;
    this.#used.add(name);
    this.#remember(name, row, value.length);
    return value;
  }

  /** The keys that were read since this was called the last time, one after the other. */
  takeUsed(): Buffer {
    const keys = Buffer.from([...this.#used].join(""), "latin1");
    this.#used = new Set();
    return keys;
  }

  close(): void {
    this.#database.close();
  }

  #remember(name: string, row: Row, bytes: number): void {
    this.#memory.set(name, row);
    this.#memoryBytes += bytes;
    for (const [oldest, { value }] of this.#memory) {
      if (this.#memoryBytes <= memoryBytesMax) return;
      this.#memory.delete(oldest);
      this.#memoryBytes -= (value as Uint8Array).length;
    }
  }

  #forget(version: unknown): void {
    this.#memory.clear();
    this.#memoryBytes = 0;
    this.#remembered = version;
  }
}
