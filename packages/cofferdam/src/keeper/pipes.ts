import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { errorCode } from "../errors/index.ts";
import { tag, type Fields } from "./wire.ts";

/** A task's standard streams, as far as they are pipes, and the file it shares with us. */
export interface Pipes {
  readonly stdin: Socket | null;
  readonly stdout: Socket | null;
  readonly stderr: Socket | null;
  readonly bulkFile: number | null;
}

export const noPipes: Pipes = { stdin: null, stdout: null, stderr: null, bulkFile: null };

/**
 * Opens the keeper's ends of a task's pipes as streams here, and its bulk file. Node can be handed
 * no descriptor, but on Linux both can be opened again through `/proc/<pid>/fd`, which waits for
 * nothing. Throws the system's error when one cannot be opened; none of them is open then.
 */
export function openPipes(keeper: number, started: Fields): Pipes {
  const numbers = started.bytes(tag.descriptors) ?? Buffer.alloc(16, 0xff);
  const paths = [0, 1, 2, 3].map((index) => {
    const number = numbers.readInt32LE(4 * index);
    return number < 0 ? null : `/proc/${keeper}/fd/${number}`;
  });
  const [stdin, stdout, stderr, bulkFile = null] = openAll(paths);
  return {
    stdin: stdin == null ? null : new Socket({ fd: stdin, readable: false, writable: true }),
    stdout: stdout == null ? null : new Socket({ fd: stdout, readable: true, writable: false }),
    stderr: stderr == null ? null : new Socket({ fd: stderr, readable: true, writable: false }),
    bulkFile,
  };
}

const modes = [
  constants.O_WRONLY | constants.O_NONBLOCK,
  constants.O_RDONLY | constants.O_NONBLOCK,
  constants.O_RDONLY | constants.O_NONBLOCK,
  constants.O_RDWR,
];

/** All that have a path, or, when it throws, none. */
function openAll(paths: readonly (string | null)[]): (number | null)[] {
  const opened: number[] = [];
  try {
    return paths.map((path, index) => {
      const fd = path === null ? null : open(path, modes[index] ?? 0);
      if (fd !== null) opened.push(fd);
      return fd;
    });
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  }
}

function open(path: string, mode: number): number | null {
  try {
    return openSync(path, mode);
  } catch (error) {
    // The command has closed its end already: nobody will read what we might write.
    if (errorCode(error) === "ENXIO") return null;
    throw error;
  }
}
