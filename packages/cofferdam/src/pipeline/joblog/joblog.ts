import {
  closeSync,
  createReadStream,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { CofferdamError, errorCode, errorMessage } from "../../errors/index.ts";
import { RunLock } from "../lock/run-lock.ts";
import { splitLines } from "../map/split-lines.ts";

/** The columns of GNU parallel's `--joblog`, so that what reads those reads ours. */
const header = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

export interface JoblogEntry {
  readonly number: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Bytes that the command wrote to its standard output, where they passed through us. */
  readonly receivedBytes: number;
  readonly exitCode: number;
  /** Number of the signal; 0 for none. */
  readonly signal: number;
  /** One line; see `quoteCommand`. */
  readonly command: string;
}

/** A log of finished jobs, a line each, written as they finish. */
export class Joblog implements Disposable {
  readonly #fd: number;
  readonly #path: string;
  readonly #lock: RunLock | null;
  readonly #host = hostname();

  /** See `openJoblog`. */
  constructor(fd: number, path: string, lock: RunLock | null, anew: boolean) {
    this.#fd = fd;
    this.#path = path;
    this.#lock = lock;
    this.#begin(anew);
  }

  #begin(anew: boolean): void {
    const { size } = fstatSync(this.#fd);
    if (size > 0 && !isJoblog(this.#fd, size)) {
      closeSync(this.#fd);
      throw new CofferdamError(
        "INVALID_ARGUMENT",
        `${this.#path} is there and is no joblog; give another file, or remove it`,
      );
    }
    if (anew && size > header.length) {
      closeSync(this.#fd);
      throw new CofferdamError(
        "INVALID_ARGUMENT",
        `${this.#path} has entries of an earlier run; go on from there with --resume, or remove it`,
      );
    }
    const whole = endOfLastLine(this.#fd, size);
    if (whole < size) ftruncateSync(this.#fd, whole);
    if (whole === 0) writeSync(this.#fd, header);
  }

  /** Throws `OUTPUT` when the entry cannot be written: it must not be thought to be there. */
  append(entry: JoblogEntry): void {
    const line = [
      entry.number,
      this.#host,
      (entry.startedAtMs / 1000).toFixed(3),
      (entry.durationMs / 1000).toFixed(3).padStart(10),
      0,
      entry.receivedBytes,
      entry.exitCode,
      entry.signal,
      entry.command,
    ].join("\t");
    try {
      const bytes = Buffer.from(`${line}\n`);
      for (let written = 0; written < bytes.length;) written += writeSync(this.#fd, bytes, written);
    } catch (error) {
      throw unwritable(this.#path, error);
    }
  }

  [Symbol.dispose](): void {
    try {
      fsyncSync(this.#fd);
    } catch (error) {
      // A pipe or a terminal has nothing to sync.
      if (!["EINVAL", "EROFS", "ENOTSUP"].includes(errorCode(error) ?? "")) throw error;
    } finally {
      closeSync(this.#fd);
      this.#lock?.[Symbol.dispose]();
    }
  }
}

/** A pipe, a terminal, `/dev/null`: nothing that two runs could spoil. */
function isSpecial(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  return status !== undefined && !status.isFile();
}

/**
 * Opens a log for appending. `anew` refuses one that has entries; what is no joblog is refused always,
 * and left as it is. A last line that was cut off when its writer was killed is taken away. Rejects
 * with `INVALID_ARGUMENT`, `LOCKED` or `OUTPUT`.
 */
export async function openJoblog(path: string, { anew }: { anew: boolean }): Promise<Joblog> {
  let lock: RunLock | null = null;
  try {
    if (!isSpecial(path)) lock = await RunLock.acquire(`${path}.lock`, path);
    return new Joblog(openSync(path, "a+"), path, lock, anew);
  } catch (error) {
    lock?.[Symbol.dispose]();
    throw error instanceof CofferdamError ? error : unwritable(path, error);
  }
}

/** The commands of the jobs in a log that ended well. A torn last line is none. */
export async function* succeededCommands(path: string): AsyncGenerator<string> {
  try {
    for await (const lines of splitLines(createReadStream(path)))
      for (const line of lines) {
        const columns = line?.split("\t") ?? [];
        const [, , , , , , exitCode, signal, ...command] = columns;
        if (exitCode === "0" && signal === "0" && command.length > 0) yield command.join("\t");
      }
  } catch (error) {
    if (errorCode(error) !== "ENOENT")
      throw new CofferdamError(
        "INVALID_ARGUMENT",
        `the joblog ${path} cannot be read: ${errorMessage(error)}`,
        { cause: error },
      );
  }
}

/** Whether a file begins with our header, or has as much of it as was written before a kill. */
function isJoblog(fd: number, size: number): boolean {
  const buffer = Buffer.alloc(Math.min(size, header.length));
  const read = readSync(fd, buffer, 0, buffer.length, 0);
  return read > 0 && header.startsWith(buffer.toString("latin1", 0, read));
}

/** Where the last newline ends; 0 when there is none. */
function endOfLastLine(fd: number, size: number): number {
  const buffer = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - buffer.length);
    const read = readSync(fd, buffer, 0, end - from, from);
    const newline = buffer.subarray(0, read).lastIndexOf(0x0a);
    if (newline >= 0) return from + newline + 1;
    end = from;
  }
  return 0;
}

function unwritable(path: string, error: unknown): CofferdamError {
  return new CofferdamError(
    "OUTPUT",
    `the joblog ${path} cannot be written: ${errorMessage(error)}; nothing more was started`,
    { cause: error },
  );
}
