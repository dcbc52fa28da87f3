import type { DatabaseSync, StatementSync } from "node:sqlite";
import { openDatabase, transact } from "../../worker/sqlite.ts";
import type { BackoffRecord } from "./backoff.ts";

/** A permit, or units that were used above what one asked for, until no window counts it. */
export interface PermitRow {
  readonly id: number;
  readonly requests: number;
  readonly units: number;
  readonly granted: number;
  /** Null until it is known; `granted` and the transit then, at the latest. */
  readonly counted: number | null;
  /** Whether somebody holds it, or the permit that it goes beyond. */
  readonly open: boolean;
}

export interface ProcessRow {
  readonly id: string;
  /** How many of its calls wait. */
  readonly waiting: number;
  /** Permits that it was given, to take turns by. */
  readonly served: number;
  readonly seen: number;
}

const openBusyMs = 10_000;
/** How long a turn may wait for another process's, synchronously. */
const busyMs = 20;

/** The file of a limiter that processes share. All but `hasNews` is for within a transaction. */
export class LedgerFile {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #version = -1;

  constructor(file: string) {
    this.#database = openDatabase(file);
    try {
      this.#database.exec(
        `PRAGMA busy_timeout = ${openBusyMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL`,
      );
      this.#database.exec(schema);
      this.#database.exec(`PRAGMA busy_timeout = ${busyMs}`);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  transact<Value>(change: () => Value): Value | null {
    return transact(this.#database, change);
  }

  /** Whether another process has written since this was asked the last time. Cheap. */
  hasNews(): boolean {
    const version = Number(this.#statement("PRAGMA data_version").get()?.["data_version"]);
    const news = version !== this.#version;
    this.#version = version;
    return news;
  }

  /** Number of the last change; each changed permit has that of its own. */
  get change(): number {
    return Number(this.#limiter()["change"]);
  }

  get bounds(): string {
    return String(this.#limiter()["bounds"]);
  }

  set bounds(bounds: string) {
    this.#run("UPDATE limiter SET bounds = ?", bounds);
  }

  get boot(): string {
    return String(this.#limiter()["boot"]);
  }

  set boot(boot: string) {
    this.#run("UPDATE limiter SET boot = ?", boot);
  }

  /** How many permits a process has been given that had its turn whenever it waited. */
  get turn(): number {
    return Number(this.#limiter()["turn"]);
  }

  set turn(turn: number) {
    this.#run("UPDATE limiter SET turn = ?", turn);
  }

  readBackoff(): BackoffRecord | null {
    const text = String(this.#limiter()["backoff"]);
    return text === "" ? null : (JSON.parse(text) as BackoffRecord);
  }

  /** Counts as a change when it is one, so that others take it in. */
  writeBackoff(record: BackoffRecord): void {
    const text = JSON.stringify(record);
    if (text !== this.#limiter()["backoff"])
      this.#run("UPDATE limiter SET backoff = ?, change = change + 1", text);
  }

  /** The last change of a permit that was removed since: a copy that is older cannot be brought up. */
  get removed(): number {
    return Number(this.#limiter()["removed"]);
  }

  /** In the order in which windows count them: whoever reads late shall not count them later. */
  changedSince(change: number): PermitRow[] {
    return this.#statement(
      "SELECT * FROM permits WHERE changed > ? ORDER BY coalesce(counted, granted), id",
    )
      .all(change)
      .map((row) => ({
        id: Number(row["id"]),
        requests: Number(row["requests"]),
        units: Number(row["units"]),
        granted: Number(row["granted"]),
        counted: row["counted"] === null ? null : Number(row["counted"]),
        open: row["open"] === 1,
      }));
  }

  insert(permit: {
    readonly holder: string;
    readonly requests: number;
    readonly units: number;
    readonly granted: number;
    readonly wall: number;
    readonly counted: number | null;
  }): { id: number; change: number } {
    const change = this.#nextChange();
    const { holder, requests, units, granted, wall, counted } = permit;
    const { lastInsertRowid } = this.#statement(
      "INSERT INTO permits (holder, requests, units, granted, wall, counted, open, changed)" +
        " VALUES (?, ?, ?, ?, ?, ?, 1, ?)",
    ).run(holder, requests, units, granted, wall, counted, change);
    return { id: Number(lastInsertRowid), change };
  }

  /** These give the number of the change. */
  end(id: number, now: number, transitMs: number): number {
    return this.#update("open = 0, counted = min(?, granted + ?)", id, now, transitMs);
  }

  drop(id: number): number {
    return this.#update("open = 0", id);
  }

  withdraw(id: number, now: number): number {
    return this.#update("open = 0, requests = 0, units = 0, counted = ?", id, now);
  }

  correct(id: number, units: number): number {
    return this.#update("units = ?", id, units);
  }

  /** A process is gone: what it held is free; what it used stays counted. */
  forget(process: string): void {
    const change = this.#nextChange();
    this.#run(
      "UPDATE permits SET open = 0, changed = ? WHERE holder = ? AND open = 1",
      change,
      process,
    );
    this.#run("DELETE FROM processes WHERE id = ?", process);
  }

  processes(): ProcessRow[] {
    return this.#statement("SELECT * FROM processes")
      .all()
      .map((row) => ({
        id: String(row["id"]),
        waiting: Number(row["waiting"]),
        served: Number(row["served"]),
        seen: Number(row["seen"]),
      }));
  }

  tell({ id, waiting, served, seen }: ProcessRow): void {
    this.#run("INSERT OR REPLACE INTO processes VALUES (?, ?, ?, ?)", id, waiting, served, seen);
  }

  newestGrant(): number {
    return Number(this.#statement("SELECT max(granted) AS newest FROM permits").get()?.["newest"]);
  }

  /**
   * After another boot the clock has begun anew: ages are taken from the wall clock, and where that
   * was set back as if it were just now. Nobody who held a permit lives.
   */
  convert(now: number, wall: number, transitMs: number): void {
    const change = this.#nextChange();
    this.#run(
      "UPDATE permits SET open = 0, changed = ?1, granted = ?2 - max(0, ?3 - wall)," +
        " counted = ?2 - max(0, ?3 - wall - ?4)",
      change,
      now,
      wall,
      transitMs,
    );
    this.#run("UPDATE limiter SET backoff = ''");
  }

  removeBefore(time: number): void {
    this.#run(
      "UPDATE limiter SET removed = max(removed, coalesce(" +
        "(SELECT max(changed) FROM permits WHERE open = 0 AND granted < ?), 0))",
      time,
    );
    this.#run("DELETE FROM permits WHERE open = 0 AND granted < ?", time);
  }

  #limiter(): Readonly<Record<string, unknown>> {
    return this.#statement("SELECT * FROM limiter").get() ?? {};
  }

  #nextChange(): number {
    const row = this.#statement("UPDATE limiter SET change = change + 1 RETURNING change").get();
    return Number(row?.["change"]);
  }

  #update(change: string, id: number, ...values: number[]): number {
    const number = this.#nextChange();
    this.#run(`UPDATE permits SET ${change}, changed = ? WHERE id = ?`, ...values, number, id);
    return number;
  }

  #run(text: string, ...values: (string | number | null)[]): void {
    this.#statement(text).run(...values);
  }

  #statement(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) this.#statements.set(text, (statement = this.#database.prepare(text)));
    return statement;
  }
}

const schema = `
  CREATE TABLE IF NOT EXISTS permits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    holder TEXT NOT NULL,
    requests INTEGER NOT NULL,
    units INTEGER NOT NULL,
    granted REAL NOT NULL,
    wall REAL NOT NULL,
    counted REAL,
    open INTEGER NOT NULL,
    changed INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS permits_changed ON permits (changed);
  CREATE INDEX IF NOT EXISTS permits_open ON permits (holder) WHERE open = 1;
  CREATE TABLE IF NOT EXISTS processes (
    id TEXT PRIMARY KEY,
    waiting INTEGER NOT NULL,
    served INTEGER NOT NULL,
    seen REAL NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS limiter (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    bounds TEXT NOT NULL DEFAULT '',
    boot TEXT NOT NULL DEFAULT '',
    change INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0,
    turn INTEGER NOT NULL DEFAULT 0,
    backoff TEXT NOT NULL DEFAULT ''
  ) STRICT;
  INSERT OR IGNORE INTO limiter (one) VALUES (1);
`;
