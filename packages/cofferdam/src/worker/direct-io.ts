/** Reads and writes of a socket that never wait, without the stream that Node has for sockets. */
import { readFileSync, readSync, writeSync } from "node:fs";
import { errorCode } from "../errors/index.ts";

/** O_NONBLOCK, as Linux has it on most machines. */
const nonblocking = 0o4000;

/** Whether reads and writes of the descriptor fail where they would have to wait. */
export function neverWaits(descriptor: number): boolean {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1");
    const flags = /^flags:\s*(\d+)$/m.exec(info)?.[1] ?? "0";
    return (parseInt(flags, 8) & nonblocking) !== 0;
  } catch {
    return false; // no Linux, or no /proc
  }
}

/** How many bytes were read into the buffer: 0 at the end, null while there are none. */
export function readNow(descriptor: number, buffer: Buffer): number | null {
  return unlessItWaits(() => readSync(descriptor, buffer)) ?? null;
}

/** Returns what there was no room for. */
export function writeNow(descriptor: number, buffers: readonly Uint8Array[]): Uint8Array[] {
  const left = [...buffers];
  for (let next = left[0]; next; next = left[0]) {
    const buffer = next;
    const written = unlessItWaits(() => writeSync(descriptor, buffer));
    if (written === undefined) break;
    if (written < buffer.length) left[0] = buffer.subarray(written);
    else left.shift();
  }
  return left;
}

function unlessItWaits(operation: () => number): number | undefined {
  try {
    return operation();
  } catch (error) {
    if (errorCode(error) === "EAGAIN") return undefined;
    throw error;
  }
}
