import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { unlinkSync } from "node:fs";
import { promisify } from "node:util";
import { objectKinds, type Leak, type ObjectKind } from "../backend.ts";
import { heldBy } from "./object-holders.ts";
import { listObjects, type NamedObject, type ObjectList, type SysvObject } from "./object-lists.ts";
import { readProcessRow, type ProcessRow } from "./process-table.ts";

const run = promisify(execFile);

/** A member's object may be this much younger than the last look at the member. */
const unseenMs = 2000;

/** What became of the objects that appeared during a task. */
export interface ObjectsEnd {
  readonly leaks: readonly Leak[];
  readonly unattributed: readonly Leak[];
  readonly unseen: readonly ObjectKind[];
}

interface Life {
  /** Undefined: it is dead and was waited for, so whoever has its pid now is another. */
  readonly startTime: string | undefined;
  lastSeenMs: number;
}

/**
 * What a task leaves among the machine's own objects. Removed is only what is proved to be the
 * task's, by the rules of the keeper (keeper/src/shared-objects.h); what else has appeared meanwhile
 * and is our user's is told, and left alone.
 */
export class SharedObjects {
  readonly #root: number;
  readonly #beganMs = Date.now();
  readonly #before: ObjectList | null;
  readonly #old: ReadonlySet<string>;
  readonly #held = new Set<string>();
  readonly #lives = new Map<number, Life>();

  /** Before the command starts: what is there already is not the task's. */
  static list(): ObjectList | null {
    if (process.platform !== "linux") return null;
    try {
      return listObjects();
    } catch {
      return null; // no descriptor left, or no /proc
    }
  }

  constructor(root: number, before: ObjectList | null) {
    this.#root = root;
    this.#before = before;
    this.#old = new Set(before === null ? [] : keysOf(before));
  }

  /** Notes what living members hold. Cheap where nothing is new. */
  async look(members: readonly ProcessRow[]): Promise<void> {
    const now = Date.now();
    for (const { pid, startTime } of members) {
      const life = this.#lives.get(pid);
      if (life?.startTime === startTime) life.lastSeenMs = now;
      else this.#lives.set(pid, { startTime, lastSeenMs: now });
    }
    const isUnknown = ({ identity }: NamedObject): boolean =>
      !this.#old.has(identity) && !this.#held.has(identity);
    if (this.#before === null || !SharedObjects.list()?.named.some(isUnknown)) return;
    for (const { pid } of members)
      for (const identity of await heldBy(pid))
        if (!this.#old.has(identity)) this.#held.add(identity);
  }

  /** Once all members are gone: removes what was theirs, and tells of the rest. */
  async end(): Promise<ObjectsEnd> {
    const now = this.#before === null ? null : SharedObjects.list();
    if (this.#before === null || now === null)
      return { leaks: [], unattributed: [], unseen: objectKinds };
    this.#lives.set(this.#root, { startTime: undefined, lastSeenMs: Date.now() });
    const uid = process.getuid?.();
    const isNew = (key: string, owner: number): boolean => !this.#old.has(key) && owner === uid;
    const named = now.named.filter((object) => isNew(object.identity, object.uid));
    const sysv = now.sysv.filter((object) => isNew(keyOf(object), object.uid));
    const unseen = [...new Set([...this.#before.unseen, ...now.unseen])];
    const told = [...(await this.#endNamed(named)), ...(await this.#endSysv(sysv))];
    return {
      leaks: told.filter(({ how }) => how !== "unattributed"),
      unattributed: told.filter(({ how }) => how === "unattributed"),
      unseen,
    };
  }

  async #endNamed(objects: readonly NamedObject[]): Promise<Leak[]> {
    const isOurs = (object: NamedObject): boolean =>
      object.isFile && this.#held.has(object.identity);
    const others = objects.some(isOurs) ? await heldByAnybody() : new Set();
    return objects.map((object) => {
      const { kind, name, sizeBytes, identity } = object;
      const common = { kind, name, sizeBytes, ageMs: ageOf(object) };
      if (!isOurs(object) || others.has(identity)) return { ...common, ...unattributed };
      return { ...common, how: "mapped", action: unlink(object.path) ? "removed" : "left" };
    });
  }

  async #endSysv(objects: readonly SysvObject[]): Promise<Leak[]> {
    const told: Leak[] = [];
    for (const object of objects) {
      const { sizeBytes } = object;
      const common = {
        kind: "sysv",
        name: nameOf(object),
        sizeBytes,
        ageMs: ageOf(object),
      } as const;
      if (!(await this.#isOfTask(object))) told.push({ ...common, ...unattributed });
      else {
        const action = (await removeSysv(object)) ? "removed" : "left";
        told.push({ ...common, how: "creator-pid", action });
      }
    }
    return told;
  }

  async #isOfTask(object: SysvObject): Promise<boolean> {
    // The kernel counts whole seconds.
    if (object.changedMs + 1000 <= this.#beganMs) return false;
    if (object.kind === "shm")
      return object.attached === 0 && this.#wasMember(object.creator, object);
    // Without a key nobody can find it who was not told; the kernel does not keep who made it.
    if (object.key !== 0) return false;
    const users = object.kind === "msg" ? object.users : await usersOfSemaphore(object.id);
    return users.length > 0 && users.every((pid) => this.#wasMember(pid, object));
  }

  /** Whether the pid was a member's when the object was changed, and no other process has it now. */
  #wasMember(pid: number, { changedMs }: SysvObject): boolean {
    const life = this.#lives.get(pid);
    if (!life || changedMs > life.lastSeenMs + unseenMs) return false;
    const now = readProcessRow(pid);
    return now === null || now.startTime === life.startTime;
  }
}

const unattributed = { how: "unattributed", action: "left" } as const;

function keysOf({ named, sysv }: ObjectList): string[] {
  return [...named.map(({ identity }) => identity), ...sysv.map(keyOf)];
}

function keyOf({ kind, id }: SysvObject): string {
  return `${kind} ${id}`;
}

/** As the keeper names them. */
function nameOf(object: SysvObject): string {
  const key = (object.key >>> 0).toString(16).padStart(8, "0");
  return keyOf(object) + (object.key === 0 ? "" : ` key 0x${key}`);
}

function ageOf({ changedMs }: { readonly changedMs: number }): number {
  return Math.max(0, Math.round(Date.now() - changedMs));
}

/** Only once something is to be removed: it reads every process of the machine. */
async function heldByAnybody(): Promise<Set<string>> {
  const held = new Set<string>();
  for (const name of await readdir("/proc"))
    if (/^\d+$/.test(name)) for (const identity of await heldBy(Number(name))) held.add(identity);
  return held;
}

function unlink(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

const toolEnvironment = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" };

/** Node has no call for it, and where there is no keeper util-linux is the nearest. */
async function removeSysv({ kind, id }: SysvObject): Promise<boolean> {
  const option = { sem: "-s", shm: "-m", msg: "-q" }[kind];
  return run("ipcrm", [option, String(id)], { env: toolEnvironment }).then(
    () => true,
    () => false, // no such program here
  );
}

/** Who has used each semaphore of the set last; empty where nobody has, or that cannot be read. */
async function usersOfSemaphore(id: number): Promise<number[]> {
  const { stdout } = await run("ipcs", ["-s", "-i", String(id)], { env: toolEnvironment }).catch(
    () => ({ stdout: "" }),
  );
  const [, table = ""] = stdout.split(/^semnum\s+value\s+ncount\s+zcount\s+pid\s*$/m);
  const users = table.trim().split("\n");
  return users.map((line) => Number(line.trim().split(/\s+/)[4])).filter((pid) => pid > 0);
}
