import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../errors/index.ts";
import type { ObjectKind } from "../backend.ts";

/** An object with a name in a file system: in `/dev/shm`, or a POSIX message queue. */
export interface NamedObject {
  readonly kind: ObjectKind;
  readonly path: string;
  readonly name: string;
  /** Device and inode: what tells it from another one of that name. */
  readonly identity: string;
  readonly uid: number;
  /** False: a folder or the like, which is told as a whole and never removed. */
  readonly isFile: boolean;
  readonly sizeBytes: number;
  readonly changedMs: number;
}

export interface SysvObject {
  readonly kind: "sem" | "shm" | "msg";
  readonly id: number;
  /** 0: `IPC_PRIVATE`, nobody can find it by a key. */
  readonly key: number;
  /** Who made it. */
  readonly uid: number;
  /** The pid of who made shared memory; 0: it is not known, or in another PID namespace. */
  readonly creator: number;
  /** Of a queue: who sent and who took last. */
  readonly users: readonly number[];
  readonly attached: number;
  readonly sizeBytes: number;
  readonly changedMs: number;
}

export interface ObjectList {
  readonly named: readonly NamedObject[];
  readonly sysv: readonly SysvObject[];
  /** What there is of these kinds cannot be seen here. */
  readonly unseen: readonly ObjectKind[];
}

export const sharedMemoryFolder = "/dev/shm";

/** All objects of the machine that can be seen. Linux only. */
export function listObjects(): ObjectList {
  const queues = queueFolder();
  const inMemory = listFolder(sharedMemoryFolder);
  const ofQueues = queues === null ? null : listFolder(queues);
  const hasQueues = existsSync("/proc/sys/fs/mqueue");
  return {
    named: [...(inMemory ?? []), ...(ofQueues ?? [])],
    sysv: (["sem", "shm", "msg"] as const).flatMap(listSysv),
    unseen: [
      ...(inMemory === null ? (["semaphore", "shared-memory"] as const) : []),
      ...(ofQueues === null && hasQueues ? (["message-queue"] as const) : []),
    ],
  };
}

/** Where the machine shows its POSIX message queues; null where it does not. */
export function queueFolder(mounts = readFileSync("/proc/self/mounts", "utf8")): string | null {
  const fields = mounts.split("\n").map((line) => line.split(" "));
  return fields.find(([, , type]) => type === "mqueue")?.[1] ?? null;
}

/** Null: there is a folder, and it cannot be read. */
function listFolder(folder: string): NamedObject[] | null {
  try {
    return readdirSync(folder).flatMap((name) => describe(folder, name));
  } catch (error) {
    return errorCode(error) === "ENOENT" ? [] : null;
  }
}

function describe(folder: string, name: string): NamedObject[] {
  const path = join(folder, name);
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (!status) return [];
  return [
    {
      kind: kindOf(folder, name),
      path,
      name,
      identity: identityOf(status.dev, status.ino),
      uid: status.uid,
      isFile: status.isFile(),
      sizeBytes: status.isFile() ? status.size : 0,
      changedMs: status.ctimeMs,
    },
  ];
}

function kindOf(folder: string, name: string): ObjectKind {
  if (folder !== sharedMemoryFolder) return "message-queue";
  return name.startsWith("sem.") ? "semaphore" : "shared-memory";
}

export function identityOf(device: number, inode: number): string {
  return `${device} ${inode}`;
}

function listSysv(kind: SysvObject["kind"]): SysvObject[] {
  try {
    return parseSysv(kind, readFileSync(`/proc/sysvipc/${kind}`, "latin1"));
  } catch {
    return []; // a kernel without them
  }
}

/** Columns are found by their titles: their order differs by kind. */
export function parseSysv(kind: SysvObject["kind"], text: string): SysvObject[] {
  const [head = "", ...lines] = text.trimEnd().split("\n");
  const titles = head.trim().split(/\s+/);
  return lines.map((line) => {
    const cells = line.trim().split(/\s+/);
    const cell = (title: string): number => Number(cells[titles.indexOf(title)] ?? 0);
    return {
      kind,
      id: cell({ sem: "semid", shm: "shmid", msg: "msqid" }[kind]),
      key: cell("key"),
      uid: cell("cuid"),
      creator: cell("cpid"),
      users: ["lspid", "lrpid"].map(cell).filter((pid) => pid > 0),
      attached: cell("nattch"),
      sizeBytes: cell({ sem: "", shm: "size", msg: "cbytes" }[kind]),
      changedMs: cell("ctime") * 1000,
    };
  });
}
