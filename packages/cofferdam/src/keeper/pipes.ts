import { close, constants, open } from "node:fs";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import { errorCode } from "../errors/index.ts";
import { tag, type Fields } from "./wire.ts";

const openFile = promisify(open);

/** A task's standard streams, as far as they are pipes, and the file it shares with us. */
export interface Pipes {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly bulkFile: number | null;
}

export const noPipes: Pipes = { stdin: null, stdout: null, stderr: null, bulkFile: null };

/**
 * Opens the keeper's ends of a task's pipes as streams here, and its bulk file. Node can be handed
 * no descriptor, but on Linux both can be opened again through `/proc/<pid>/fd`. Rejects with the
 * system's error when one cannot be opened; none of them is open then.
 */
export async function openPipes(keeper: number, started: Fields): Promise<Pipes> {
  const numbers = started.bytes(tag.descriptors) ?? Buffer.alloc(16, 0xff);
  const path = (index: number): string | null => {
    const number = numbers.readInt32LE(4 * index);
    return number < 0 ? null : `/proc/${keeper}/fd/${number}`;
  };
  const streams = [
    openPipe(path(0), constants.O_WRONLY),
    openPipe(path(1), constants.O_RDONLY),
    openPipe(path(2), constants.O_RDONLY),
  ];
  const [bulkFile, ...pipes] = await Promise.allSettled([openBulkFile(path(3)), ...streams]);
  const failed = [bulkFile, ...pipes].find((one) => one.status === "rejected");
  const [stdin, stdout, stderr] = pipes.map((one) =>
    one.status === "fulfilled" ? one.value : null,
  );
  const file = bulkFile.status === "fulfilled" ? bulkFile.value : null;
  if (!failed)
    return {
      stdin: stdin ?? null,
      stdout: stdout ?? null,
      stderr: stderr ?? null,
      bulkFile: file,
    };
  for (const stream of [stdin, stdout, stderr]) stream?.destroy();
  if (file !== null) close(file);
  throw failed.reason;
}

async function openBulkFile(path: string | null): Promise<number | null> {
  return path === null ? null : await openFile(path, constants.O_RDWR);
}

async function openPipe(path: string | null, mode: number): Promise<Socket | null> {
  if (path === null) return null;
  const writes = mode === constants.O_WRONLY;
  try {
    const fd = await openFile(path, mode | constants.O_NONBLOCK);
    return new Socket({ fd, readable: !writes, writable: writes });
  } catch (error) {
    // The command has closed its end already: nobody will read what we might write.
    if (writes && errorCode(error) === "ENXIO") return null;
    throw error;
  }
}
