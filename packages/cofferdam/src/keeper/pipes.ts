import { constants, open } from "node:fs";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import { errorCode } from "../errors/index.ts";
import { tag, type Fields } from "./wire.ts";

const openFile = promisify(open);

/** A task's standard streams, as far as they are pipes. */
export interface Pipes {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

export const noPipes: Pipes = { stdin: null, stdout: null, stderr: null };

/**
 * Opens the keeper's ends of a task's pipes as streams here. Node can be handed no descriptor, but
 * on Linux a pipe can be opened again through `/proc/<pid>/fd`. Rejects with the system's error when
 * one cannot be opened; none of them is open then.
 */
export async function openPipes(keeper: number, started: Fields): Promise<Pipes> {
  const numbers = started.bytes(tag.descriptors) ?? Buffer.alloc(12, 0xff);
  const opened = await Promise.allSettled([
    openPipe(keeper, numbers.readInt32LE(0), constants.O_WRONLY),
    openPipe(keeper, numbers.readInt32LE(4), constants.O_RDONLY),
    openPipe(keeper, numbers.readInt32LE(8), constants.O_RDONLY),
  ]);
  const [stdin, stdout, stderr] = opened.map((one) =>
    one.status === "fulfilled" ? one.value : null,
  );
  const failed = opened.find((one) => one.status === "rejected");
  if (!failed) return { stdin: stdin ?? null, stdout: stdout ?? null, stderr: stderr ?? null };
  for (const stream of [stdin, stdout, stderr]) stream?.destroy();
  throw failed.reason;
}

async function openPipe(keeper: number, number: number, mode: number): Promise<Socket | null> {
  if (number < 0) return null;
  const writes = mode === constants.O_WRONLY;
  try {
    const fd = await openFile(`/proc/${keeper}/fd/${number}`, mode | constants.O_NONBLOCK);
    return new Socket({ fd, readable: !writes, writable: writes });
  } catch (error) {
    // The command has closed its end already: nobody will read what we might write.
    if (writes && errorCode(error) === "ENXIO") return null;
    throw error;
  }
}
