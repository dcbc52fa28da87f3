import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { CofferdamError, errorMessage } from "../../errors/index.ts";
import { isPresent, Presence, sweepPresences } from "../presence.ts";
import { userDirectory } from "../user-directory.ts";
import type { Bounds } from "./bounds.ts";
import { machineClock, type SharedClock } from "./clock.ts";
import type { LeaseBook, Ledger, Turn } from "./ledger.ts";
import { LedgerFile, type PermitRow } from "./ledger-file.ts";
import { LimiterState } from "./limiter-state.ts";
import { PartRows, spreadUnits, type PartRow } from "./parts.ts";

/** Where the limiters of this user are that are shared by name alone. */
export function limitersDirectory(): string {
  return join(userDirectory("XDG_STATE_HOME", ".local", "state"), "limiters");
}

/** How often a waiting process looks for the dead, and says that it still waits. */
const careEveryMs = 250;
/** Who has not said so for this long does not hold others up. */
const awakeMs = 1000;
/** By how many permits a process may be ahead of another that waits. */
const leadMax = 16;
const cleanEveryMs = 5000;

/**
 * A limiter's state in a file that processes share. Each has a copy in memory, takes in what others
 * have changed at the beginning of its turn, and writes its own changes in the same transaction: the
 * file is locked for that moment only, never while anybody waits. A process is known to live by a
 * lock that it holds; what a dead one held is free.
 */
export class SharedLedger implements Ledger {
  readonly pollMs = 10;
  readonly batched = true;
  readonly #bounds: Bounds;
  readonly #clock: SharedClock;
  readonly #presences: string;
  readonly #file: LedgerFile;
  readonly #presence: Presence;
  #state: LimiterState;
  /** The change up to which the copy is the file's. */
  #seen = 0;
  /** Of the permits that this process holds. */
  readonly #parts = new PartRows();
  #served = 0;
  #waiting = 0;
  #caredAt = -Infinity;
  #cleanedAt = -Infinity;

  /** Throws `LIMITER_UNUSABLE`, and `INVALID_ARGUMENT` when others use it with other bounds. */
  constructor(folder: string, bounds: Bounds, clock: SharedClock = machineClock) {
    this.#bounds = bounds;
    this.#clock = clock;
    this.#presences = join(folder, "present");
    this.#state = new LimiterState(bounds);
    try {
      mkdirSync(this.#presences, { recursive: true, mode: 0o700 });
      this.#file = new LedgerFile(join(folder, "limiter-2.db"));
    } catch (error) {
      throw unusable(folder, error);
    }
    try {
      this.#presence = this.#enter(folder);
    } catch (error) {
      this.#file.close();
      throw error instanceof CofferdamError ? error : unusable(folder, error);
    }
  }

  now(): number {
    return this.#clock.now();
  }

  hasNews(): boolean {
    return this.now() - this.#caredAt >= careEveryMs || this.#file.hasNews();
  }

  transact(work: (turn: Turn) => number): boolean {
    this.#parts.begin();
    try {
      const done = this.#file.transact(() => {
        const now = this.now();
        this.#takeIn();
        if (now - this.#caredAt >= careEveryMs) this.#care(now);
        const served = this.#served;
        const others = this.#othersInTurn(now);
        const waiting = work({ book: this.#book, now, share: this.#share(others) });
        this.#file.writeBackoff(this.#state.backoff.record);
        if (served !== this.#served || waiting > 0 !== this.#waiting > 0) {
          this.#tell(waiting, now);
          this.#file.turn = Math.max(this.#file.turn, Math.min(this.#served, ...others));
        }
        this.#waiting = waiting;
        this.#clean(now);
        return true;
      });
      return done !== null;
    } catch (error) {
      // What was undone in the file is to be undone in the copy, and in what is known of its rows.
      this.#beginCopy();
      this.#parts.undo();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    try {
      this.#file.transact(() => this.#file.forget(this.#presence.id));
    } catch {
      // The next process finds that this one is gone.
    }
    this.#presence[Symbol.dispose]();
    this.#file.close();
  }

  /** Becomes one of those who share it. */
  #enter(folder: string): Presence {
    for (let attempt = 0; attempt < 100; attempt++) {
      const presence = this.#file.transact(() => {
        sweepPresences(this.#presences);
        this.#forgetDead();
        const entered = Presence.enter(this.#presences);
        try {
          this.#agree(folder, entered.id);
        } catch (error) {
          entered[Symbol.dispose]();
          throw error;
        }
        return entered;
      });
      if (presence) return presence;
    }
    throw new Error("another process keeps it locked");
  }

  /** The bounds are everybody's; whoever is alone may change them. */
  #agree(folder: string, id: string): void {
    const { rates, concurrency, transitMs } = this.#bounds;
    const bounds = JSON.stringify([rates, String(concurrency), transitMs]);
    const others = this.#file.processes().length > 0;
    if (this.#file.bounds !== bounds && others)
      throw new CofferdamError(
        "INVALID_ARGUMENT",
        `the limiter in ${folder} is in use with other bounds (${this.#file.bounds}): give the same, or share another folder`,
      );
    this.#file.bounds = bounds;
    const now = this.now();
    if (this.#file.boot !== this.#clock.boot || this.#file.newestGrant() > now)
      this.#file.convert(now, this.#clock.wall(), transitMs);
    this.#file.boot = this.#clock.boot;
    this.#file.tell({ id, waiting: 0, served: 0, seen: now });
  }

  /** Brings the copy up to the file. */
  #takeIn(): void {
    const change = this.#file.change;
    if (change === this.#seen) return;
    // Who has not looked for long has missed the end of permits that are no longer in the file.
    if (this.#seen < this.#file.removed) this.#beginCopy();
    for (const row of this.#file.changedSince(this.#seen)) this.#apply(row);
    this.#state.backoff.record = this.#file.readBackoff() ?? this.#state.backoff.record;
    this.#seen = change;
  }

  #beginCopy(): void {
    this.#state = new LimiterState(this.#bounds);
    this.#seen = 0;
  }

  #apply({ id, requests, units, granted, counted, open }: PermitRow): void {
    if (!this.#state.has(id)) {
      // Only units that were used beyond a permit's are counted without a request.
      if (requests === 0 && counted !== null) this.#state.loadExtra(id, units, counted);
      else this.#state.load(id, requests, units, granted);
    }
    this.#state.set(id, requests, units);
    if (open) return;
    if (counted === null) this.#state.drop(id);
    else this.#state.end(id, counted);
  }

  /** Frees what the dead hold. */
  #care(now: number): void {
    this.#caredAt = now;
    this.#forgetDead(this.#presence.id);
    this.#takeIn();
    if (this.#waiting > 0) this.#tell(this.#waiting, now);
  }

  #forgetDead(own?: string): void {
    for (const { id } of this.#file.processes())
      if (id !== own && !isPresent(this.#presences, id)) this.#file.forget(id);
  }

  /** What others that wait have been given. Who does not even look does not hold others up. */
  #othersInTurn(now: number): number[] {
    return this.#file
      .processes()
      .filter(({ id }) => id !== this.#presence.id)
      .filter(({ waiting, seen }) => waiting > 0 && now - seen < awakeMs)
      .map(({ served }) => served);
  }

  /** How many permits this process may take before others that wait have had as many. */
  #share(others: readonly number[]): number {
    // Who has not waited has no claim to what it did not take.
    if (this.#waiting === 0) this.#served = Math.max(this.#served, this.#file.turn);
    return Math.max(0, Math.min(...others) + leadMax - this.#served);
  }

  #tell(waiting: number, now: number): void {
    this.#file.tell({ id: this.#presence.id, waiting, served: this.#served, seen: now });
  }

  #clean(now: number): void {
    if (now - this.#cleanedAt < cleanEveryMs) return;
    this.#cleanedAt = now;
    this.#file.removeBefore(now - this.#state.memoryMs);
  }

  readonly #book: LeaseBook = {
    earliest: (units, now) => this.#state.earliest(units, now),
    grant: (units, now) => {
      const id = this.#insert(1, units, now, null);
      this.#state.grant(id, units, now);
      this.#parts.set(id, [{ id, units }]);
      this.#served++;
      return id;
    },
    end: (id, now) => {
      this.#endParts(id, now);
      this.#state.end(id, now);
      this.#seen = this.#file.end(id, now, this.#bounds.transitMs);
    },
    drop: (id, now) => {
      this.#endParts(id, now);
      this.#state.drop(id);
      this.#seen = this.#file.drop(id);
    },
    withdraw: (id, now) => {
      this.#endParts(id, now);
      this.#state.withdraw(id, now);
      this.#seen = this.#file.withdraw(id, now);
    },
    correct: (id, units, now) => this.#correct(id, units, now),
    pause: (now, ms) => this.#state.backoff.pause(now, ms),
  };

  /** A permit's last change of units; the parts beyond its own row are no longer to be changed. */
  #endParts(id: number, now: number): void {
    for (const part of this.#parts.get(id)?.slice(1) ?? []) {
      this.#state.end(part.id, now);
      this.#seen = this.#file.drop(part.id);
    }
    this.#parts.set(id, undefined);
  }

  #correct(id: number, units: number, now: number): void {
    const parts = this.#parts.get(id);
    if (!parts) return;
    const corrected = spreadUnits(parts, units).map((share, index): PartRow => {
      const part = parts[index];
      if (part?.units === share) return part;
      if (part) {
        this.#state.set(part.id, index === 0 ? 1 : 0, share);
        this.#seen = this.#file.correct(part.id, share);
        return { id: part.id, units: share };
      }
      const extra = this.#insert(0, share, now, now);
      this.#state.loadExtra(extra, share, now);
      return { id: extra, units: share };
    });
    this.#parts.set(id, corrected);
  }

  #insert(requests: number, units: number, now: number, counted: number | null): number {
    const holder = this.#presence.id;
    const wall = this.#clock.wall();
    const { id, change } = this.#file.insert({
      holder,
      requests,
      units,
      granted: now,
      wall,
      counted,
    });
    this.#seen = change;
    return id;
  }
}

function unusable(folder: string, error: unknown): CofferdamError {
  return new CofferdamError(
    "LIMITER_UNUSABLE",
    `the limiter in ${folder} cannot be opened (${errorMessage(error)}): free it, or share another folder`,
    { cause: error },
  );
}
