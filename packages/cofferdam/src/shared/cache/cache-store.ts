import { CofferdamError, errorMessage } from "../../errors/index.ts";
import { isBusy, troubleOf } from "../../worker/sqlite.ts";
import { Presence, sweepPresences } from "../presence.ts";
import { CacheDatabase, entryBytes, type CacheTotals } from "./cache-database.ts";
import type { CacheFiles } from "./cache-files.ts";

export type Notice = (message: string) => void;

/** A part of a transaction. `run` may be called again when the transaction could not be finished. */
export interface Job {
  readonly run: (database: CacheDatabase, tick: number) => void;
  readonly done: () => void;
  readonly failed: (error: CofferdamError) => void;
  /** How much it writes. */
  readonly bytes: number;
}

export interface StoreOptions {
  readonly maxBytes: number;
  readonly ttlMs: number | undefined;
}

/** One transaction stays short: no more at once than this. */
const transactionJobs = 500;
const transactionBytes = 4_000_000;
const busyRetryMs = 5;
/** At its end a cache tries so often in vain to write what is not written yet. */
const closingTurnsMax = 10;
/** What is said again and again is read by nobody. */
const noticeEveryMs = 60_000;

/**
 * The bytes of a cache. Reads go to the file at once; changes of one turn of the event loop go into
 * one transaction. A damaged file is set aside and another one begun, without anybody's waiting.
 */
export class CacheStore {
  readonly #files: CacheFiles;
  readonly #options: StoreOptions;
  readonly #notice: Notice;
  #database: CacheDatabase;
  #presence: Presence | undefined;
  readonly #jobs: Job[] = [];
  /** What is not in the file yet. */
  readonly #unwritten = new Map<string, Uint8Array>();
  readonly #touched = new Map<string, Uint8Array>();
  #planned: NodeJS.Immediate | NodeJS.Timeout | undefined;
  #noticedAt = -Infinity;
  #toldTooBig = false;
  #closed = false;

  /** Throws `CACHE_UNUSABLE`. */
  constructor(files: CacheFiles, options: StoreOptions, notice: Notice) {
    this.#files = files;
    this.#options = options;
    this.#notice = notice;
    this.#database = this.#open();
  }

  /** The file that holds the values now. */
  get file(): string {
    return this.#database.file;
  }

  get database(): CacheDatabase {
    return this.#database;
  }

  get presences(): string {
    return this.#files.presences;
  }

  /** Throws `CLOSED`. */
  totals(): CacheTotals {
    this.#refuseWhenClosed();
    return this.#database.totals();
  }

  /** What is stored under the hash of a key. Throws `CLOSED`. */
  read(key: Uint8Array): Uint8Array | undefined {
    this.#refuseWhenClosed();
    const name = nameOf(key);
    const unwritten = this.#unwritten.get(name);
    if (unwritten) return unwritten;
    try {
      const value = this.#database.get(key);
      if (value) this.touch(key);
      return value;
    } catch (error) {
      this.#onTrouble(error);
      return undefined;
    }
  }

  /** Notes that it was used; becomes part of the next transaction. */
  touch(key: Uint8Array): void {
    this.#touched.set(nameOf(key), key);
    if (this.#touched.size >= transactionJobs) this.#plan();
  }

  /**
   * Resolves when it is in the file; it is readable until then. Rejects with `CACHE_UNUSABLE`, and
   * with `INVALID_ARGUMENT` when it is bigger than the whole cache may be.
   */
  write(key: Uint8Array, value: Uint8Array): Promise<void> {
    const { maxBytes, ttlMs } = this.#options;
    if (entryBytes(value) > maxBytes)
      return Promise.reject(new CofferdamError("INVALID_ARGUMENT", this.#explainTooBig(value)));
    const name = nameOf(key);
    this.#unwritten.set(name, value);
    const expiresAt = ttlMs === undefined ? null : Date.now() + ttlMs;
    return this.change(
      (database, tick) => database.put({ key, value, expiresAt }, tick),
      value.length,
    ).finally(() => {
      if (this.#unwritten.get(name) === value) this.#unwritten.delete(name);
    });
  }

  /** As `write`, for a value that was computed: who wants it does not hear that it is too big. */
  keep(key: Uint8Array, value: Uint8Array): Promise<void> {
    if (!this.#toldTooBig && entryBytes(value) > this.#options.maxBytes) {
      this.#toldTooBig = true;
      this.#notice(
        `${this.#explainTooBig(value)}. It is given and not kept: such values are computed anew whenever they are asked for. Raise \`maxBytes\`, or store less under one key.`,
      );
    }
    return this.write(key, value);
  }

  #explainTooBig(value: Uint8Array): string {
    return `a value of ${entryBytes(value)} bytes, with its key, does not fit into the cache ${this.#files.folder} of ${this.#options.maxBytes}`;
  }

  /** Makes a change in the next transaction. */
  change(run: Job["run"], bytes = 0): Promise<void> {
    return new Promise((done, failed) => this.#add({ run, done, failed, bytes }));
  }

  /** This process among those that use the cache; to be called in a transaction. */
  presence(database: CacheDatabase): string {
    if (!this.#presence) {
      this.#presence = Presence.enter(this.#files.presences);
      for (const dead of sweepPresences(this.#files.presences)) database.unclaimAll(dead);
    }
    return this.#presence.id;
  }

  /** Writes what is not written yet and lets go of the file. */
  close(): void {
    if (this.#closed) return;
    const id = this.#presence?.id;
    if (id !== undefined) this.change((database) => database.unclaimAll(id)).catch(() => undefined);
    // A writer of another process is waited for a little; what is lost then is a cache's value.
    for (let left = this.#unfinished, inVain = 0; left > 0 && inVain < closingTurnsMax;) {
      this.#flush();
      if (this.#unfinished >= left) inVain++;
      left = this.#unfinished;
    }
    this.#closed = true;
    clearImmediate(this.#planned as NodeJS.Immediate);
    clearTimeout(this.#planned as NodeJS.Timeout);
    for (const { failed } of this.#jobs.splice(0))
      failed(new CofferdamError("CLOSED", "the cache was closed before it was written"));
    this.#presence?.[Symbol.dispose]();
    this.#database[Symbol.dispose]();
  }

  /** How much a transaction has to do. */
  get #unfinished(): number {
    return this.#jobs.length + this.#touched.size;
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw this.#closedError();
  }

  #closedError(): CofferdamError {
    return new CofferdamError("CLOSED", `the cache ${this.#files.folder} is closed`);
  }

  #add(job: Job): void {
    if (this.#closed) {
      job.failed(this.#closedError());
      return;
    }
    this.#jobs.push(job);
    this.#plan();
  }

  #plan(afterMs = 0): void {
    this.#planned ??=
      afterMs > 0 ? setTimeout(() => this.#flush(), afterMs) : setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#planned = undefined;
    if (this.#closed) return;
    const jobs = this.#takeJobs();
    const touched = [...this.#touched.values()];
    try {
      if (this.#transact(jobs, touched) === null) {
        this.#jobs.unshift(...jobs);
        this.#plan(busyRetryMs);
        return;
      }
    } catch (error) {
      this.#touched.clear();
      this.#afterFailure(jobs, error);
      return;
    }
    this.#touched.clear();
    for (const { done } of jobs) done();
    if (this.#jobs.length > 0) this.#plan();
  }

  #takeJobs(): Job[] {
    let bytes = 0;
    const beyond = this.#jobs.findIndex(
      (job, index) => index >= transactionJobs || (bytes += job.bytes) > transactionBytes,
    );
    // One at least: a value may be bigger than all that.
    return this.#jobs.splice(0, beyond < 0 ? this.#jobs.length : Math.max(1, beyond));
  }

  #transact(jobs: readonly Job[], touched: readonly Uint8Array[]): true | null {
    return this.#database.transact(() => {
      const database = this.#database;
      const tick = database.nextTick();
      for (const key of touched) database.touch(key, tick);
      for (const job of jobs) job.run(database, tick);
      if (jobs.some(({ bytes }) => bytes > 0)) database.evict(this.#options.maxBytes);
      return true;
    });
  }

  #afterFailure(jobs: readonly Job[], error: unknown): void {
    if (this.#onTrouble(error)) {
      this.#jobs.unshift(...jobs); // they go into the file that has taken its place
      this.#plan();
      return;
    }
    const failure = new CofferdamError(
      "CACHE_UNUSABLE",
      `the cache ${this.#files.folder} cannot be written (${errorMessage(error)}): make room, or choose another folder`,
      { cause: error },
    );
    const now = performance.now();
    if (now - this.#noticedAt > noticeEveryMs) {
      this.#noticedAt = now;
      this.#notice(`${failure.message}. Until then values are computed and not kept.`);
    }
    for (const { failed } of jobs) failed(failure);
    if (this.#jobs.length > 0) this.#plan();
  }

  /** Whether it was damage, and another file has taken the damaged one's place. */
  #onTrouble(error: unknown): boolean {
    if (troubleOf(error) !== "damaged") return false;
    const damaged = this.#database;
    try {
      this.#setAside(damaged.file, error);
      this.#database = this.#open();
    } catch {
      return false; // no other can be begun either: as good as a disk that is full
    }
    damaged[Symbol.dispose]();
    return true;
  }

  #open(): CacheDatabase {
    for (let attempt = 0; ; attempt++) {
      let file = this.#files.folder;
      try {
        this.#files.make();
        file = this.#files.current();
        return new CacheDatabase(file);
      } catch (error) {
        if (troubleOf(error) !== "damaged" || attempt === 3) throw unusable(file, error);
        this.#setAside(file, error);
      }
    }
  }

  #setAside(file: string, error: unknown): void {
    this.#files.setAside(file, errorMessage(error));
    this.#notice(
      `the cache file ${file} is damaged (${errorMessage(error)}). It is left as it is and not used any more; an empty one takes its place. \`cofferdam cache clear\` removes it.`,
    );
  }
}

function unusable(file: string, error: unknown): CofferdamError {
  const why = isBusy(error) ? "another process keeps it locked" : errorMessage(error);
  return new CofferdamError(
    "CACHE_UNUSABLE",
    `the cache ${file} cannot be opened (${why}): free it, or choose another folder`,
    { cause: error },
  );
}

/** A hash as a key of a Map. */
export function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
