import { crc32 } from "node:zlib";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { goodValue, isWhole, selectEntry } from "../../worker/cache-reader.ts";
import { isBusy, openDatabase, transact } from "../../worker/sqlite.ts";

/** One value to be stored. */
export interface NewEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Milliseconds since the epoch; null: it does not expire. */
  readonly expiresAt: number | null;
}

export interface CacheTotals {
  readonly entries: number;
  /** Of keys and values, with what a row costs beside them. */
  readonly bytes: number;
}

const rowBytes = 128;

/** How much a value needs of a cache's bytes. */
export function entryBytes(value: Uint8Array): number {
  return value.length + rowBytes;
}

/** Opening is waited for; it happens once. */
const openBusyMs = 10_000;
/** How long a synchronous call may wait for another process that writes. */
const busyMs = 50;
/**
 * The file of a cache. Readers are not stopped by the writer, and a process that is killed at any
 * moment leaves it as it was before or after a transaction (WAL). Every method is short.
 */
export class CacheDatabase implements Disposable {
  readonly file: string;
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #touch: StatementSync;
  readonly #totals: StatementSync;
  readonly #oldest: StatementSync;
  readonly #nextTick: StatementSync;
  readonly #version: StatementSync;
  readonly #claimant: StatementSync;
  readonly #claim: StatementSync;
  readonly #unclaim: StatementSync;

  constructor(file: string) {
    this.file = file;
    const database = (this.#database = openDatabase(file));
    try {
      database.exec(
        `PRAGMA busy_timeout = ${openBusyMs}; PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;` +
          "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864;",
      );
      database.exec(schema);
      database.exec(`PRAGMA busy_timeout = ${busyMs}`);
      const prepare = (text: string): StatementSync => database.prepare(text);
      this.#get = prepare(selectEntry);
      this.#put = prepare(
        "INSERT INTO entries (key, value, crc, bytes, used_at, stored_at, expires_at)" +
          " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value," +
          " crc = excluded.crc, bytes = excluded.bytes, used_at = excluded.used_at," +
          " stored_at = excluded.stored_at, expires_at = excluded.expires_at",
      );
      this.#remove = prepare("DELETE FROM entries WHERE key = ?");
      this.#touch = prepare("UPDATE entries SET used_at = ? WHERE key = ?");
      this.#totals = prepare("SELECT entries, bytes FROM totals");
      this.#oldest = prepare("SELECT key, bytes FROM entries ORDER BY used_at");
      this.#nextTick = prepare("UPDATE totals SET tick = tick + 1 RETURNING tick");
      this.#version = prepare("PRAGMA data_version");
      this.#claimant = prepare("SELECT holder FROM claims WHERE key = ?");
      this.#claim = prepare("INSERT OR REPLACE INTO claims (key, holder) VALUES (?, ?)");
      this.#unclaim = prepare("DELETE FROM claims WHERE key = ? AND holder = ?");
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** The stored bytes; undefined when there are none, or none that are still good. */
  get(key: Uint8Array): Uint8Array | undefined {
    return goodValue(this.#get.get(key));
  }

  /** One change of everything in it, or of nothing; null when another process is writing. */
  transact<Value>(change: () => Value): Value | null {
    return transact(this.#database, change);
  }

  /** What is stored or touched under a higher tick was used later. No clock can turn it back. */
  nextTick(): number {
    return Number(this.#nextTick.get()?.["tick"]);
  }

  put({ key, value, expiresAt }: NewEntry, tick: number): void {
    this.#put.run(key, value, crc32(value), entryBytes(value), tick, Date.now(), expiresAt);
  }

  touch(key: Uint8Array, tick: number): void {
    this.#touch.run(tick, key);
  }

  /** Removes what has expired, then what was not used for longest, until no more is there. */
  evict(maxBytes: number): void {
    if (this.totals().bytes <= maxBytes) return;
    this.#database.prepare("DELETE FROM entries WHERE expires_at < ?").run(Date.now());
    // A little more than needed, so that not every write has to.
    let surplus = this.totals().bytes - maxBytes;
    if (surplus <= 0) return;
    surplus += maxBytes / 50;
    const victims: Uint8Array[] = [];
    for (const row of this.#oldest.iterate()) {
      victims.push(row["key"] as Uint8Array);
      surplus -= Number(row["bytes"]);
      if (surplus <= 0) break;
    }
    for (const key of victims) this.#remove.run(key);
  }

  totals(): CacheTotals {
    const row = this.#totals.get();
    return { entries: Number(row?.["entries"]), bytes: Number(row?.["bytes"]) };
  }

  /** Changes when another connection has written. Cheap. */
  version(): number {
    return Number(this.#version.get()?.["data_version"]);
  }

  /** Who computes the value of a key; undefined: nobody has said so. */
  claimant(key: Uint8Array): string | undefined {
    const row = this.#claimant.get(key);
    return row && String(row["holder"]);
  }

  claim(key: Uint8Array, holder: string): void {
    this.#claim.run(key, holder);
  }

  unclaim(key: Uint8Array, holder: string): void {
    this.#unclaim.run(key, holder);
  }

  unclaimAll(holder: string): void {
    this.#database.prepare("DELETE FROM claims WHERE holder = ?").run(holder);
  }

  clear(): void {
    this.#database.exec("DELETE FROM entries");
  }

  /** Gives free room back to the file system, unless another process is in the way. */
  compact(): void {
    try {
      this.#database.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (error) {
      if (!isBusy(error)) throw error;
    }
  }

  /** Reads all of it. Gives what is wrong, a line each; nothing when all is sound. */
  verify(): string[] {
    const problems = this.#database
      .prepare("PRAGMA integrity_check(20)")
      .all()
      .map((row) => String(row["integrity_check"]))
      .filter((line) => line !== "ok");
    let wrong = 0;
    const rows = this.#database.prepare("SELECT value, crc FROM entries").iterate();
    for (const row of rows) if (!isWhole(row)) wrong++;
    if (wrong > 0) problems.push(`${wrong} values are not what was stored`);
    const { entries, bytes } = this.totals();
    const counted = this.#database
      .prepare("SELECT count(*) AS entries, coalesce(sum(bytes), 0) AS bytes FROM entries")
      .get();
    if (counted?.["entries"] !== entries || counted["bytes"] !== bytes)
      problems.push("the totals are not those of the entries");
    return problems;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    key BLOB NOT NULL UNIQUE,
    value BLOB NOT NULL,
    crc INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    expires_at INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entries_used_at ON entries (used_at);
  CREATE INDEX IF NOT EXISTS entries_expires_at ON entries (expires_at)
    WHERE expires_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS claims (key BLOB PRIMARY KEY, holder TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS totals (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    entries INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    tick INTEGER NOT NULL
  ) STRICT;
  INSERT OR IGNORE INTO totals VALUES (1, 0, 0, 0);
  CREATE TRIGGER IF NOT EXISTS entry_added AFTER INSERT ON entries BEGIN
    UPDATE totals SET entries = entries + 1, bytes = bytes + new.bytes;
  END;
  CREATE TRIGGER IF NOT EXISTS entry_changed AFTER UPDATE OF bytes ON entries BEGIN
    UPDATE totals SET bytes = bytes + new.bytes - old.bytes;
  END;
  CREATE TRIGGER IF NOT EXISTS entry_removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1, bytes = bytes - old.bytes;
  END;
`;
