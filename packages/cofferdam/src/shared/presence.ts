import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../worker/sqlite.ts";

const suffix = ".lock";

/**
 * One process's presence at something that processes share: a file whose lock it holds. The lock is
 * the kernel's and goes with the process, however that ends; no pid and no heartbeat is looked at.
 *
 * To be entered, and swept, only while the shared database is locked for writing: so nobody sees a
 * file between its making and its locking.
 */
export class Presence implements Disposable {
  /** No other process has, or will have, this one. */
  readonly id: string;
  readonly #file: string;
  readonly #lock: DatabaseSync;

  static enter(folder: string): Presence {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const id = randomUUID();
    const file = join(folder, id + suffix);
    const lock = openDatabase(file);
    // A write makes the lock; the mode makes it stay after the transaction.
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY");
    lock.exec("PRAGMA user_version = 1");
    return new Presence(id, file, lock);
  }

  private constructor(id: string, file: string, lock: DatabaseSync) {
    this.id = id;
    this.#file = file;
    this.#lock = lock;
  }

  [Symbol.dispose](): void {
    rmSync(this.#file, { force: true }); // while the lock is held: nobody mistakes it for a dead one
    this.#lock.close();
  }
}

/** Whether the process that entered under this id still lives, as far as that can be told. */
export function isPresent(folder: string, id: string): boolean {
  const file = join(folder, id + suffix);
  let probe: DatabaseSync | undefined;
  try {
    probe = openDatabase(file, { readOnly: true });
    probe.prepare("PRAGMA user_version").get();
    return false;
  } catch {
    // Locked, or (no descriptor left, say) not to be told: who cannot be looked at is not dead.
    return existsSync(file);
  } finally {
    probe?.close();
  }
}

/** Removes what dead processes have left, and gives their ids. */
export function sweepPresences(folder: string): string[] {
  const dead = readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length))
    .filter((id) => !isPresent(folder, id));
  for (const id of dead) rmSync(join(folder, id + suffix), { force: true });
  return dead;
}
