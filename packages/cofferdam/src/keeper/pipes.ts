import { constants, open } from "node:fs";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import { tag, type Fields } from "./wire.ts";

const openFile = promisify(open);

/**
 * Opens the keeper's ends of a task's pipes as streams here. Node can be handed no descriptor, but
 * on Linux a pipe can be opened again through `/proc/<pid>/fd`.
 */
export async function openPipes(
  keeper: number,
  started: Fields,
): Promise<{ stdin: Writable | null; stdout: Readable | null; stderr: Readable | null }> {
  const numbers = started.bytes(tag.descriptors) ?? Buffer.alloc(12, 0xff);
  const [stdin, stdout, stderr] = await Promise.all([
    openPipe(keeper, numbers.readInt32LE(0), constants.O_WRONLY),
    openPipe(keeper, numbers.readInt32LE(4), constants.O_RDONLY),
    openPipe(keeper, numbers.readInt32LE(8), constants.O_RDONLY),
  ]);
  return { stdin, stdout, stderr };
}

async function openPipe(keeper: number, number: number, mode: number): Promise<Socket | null> {
  if (number < 0) return null;
  const writes = mode === constants.O_WRONLY;
  try {
    const fd = await openFile(`/proc/${keeper}/fd/${number}`, mode | constants.O_NONBLOCK);
    return new Socket({ fd, readable: !writes, writable: writes });
  } catch {
    // The command has closed its end (ENXIO), or the keeper is gone (ENOENT): the task's end tells.
    return null;
  }
}
