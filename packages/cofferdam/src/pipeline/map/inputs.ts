import { closeSync, constants, createReadStream, fstatSync, open, openSync } from "node:fs";
import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { isatty, ReadStream } from "node:tty";
import { promisify } from "node:util";
import { CofferdamError, errorMessage } from "../../errors/index.ts";
import { newline, splitLines } from "./split-lines.ts";

/** Where the inputs of a map come from. They are never all in memory. */
export type InputSource =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "stdin" };

export interface Inputs {
  /** How many there are, where that can be known before they are read. */
  readonly total: number | null;
  /** Null stands for one that is not valid UTF-8: no command can be given it unchanged. */
  readonly batches: AsyncIterable<readonly (string | null)[]>;
  /** Reads no further, at once: who waits for a batch is not told. */
  close(): void;
}

/**
 * Opens a source. Rejects with `INVALID_ARGUMENT` for one that cannot be read. Aborting the signal
 * ends the wait for the writer of a named pipe.
 */
export async function openInputs(
  source: InputSource,
  separator = newline,
  signal?: AbortSignal,
): Promise<Inputs> {
  switch (source.kind) {
    case "words":
      return { total: source.words.length, batches: once(source.words), close: () => undefined };
    case "stdin":
      return fromStream(standardInput(), null, "standard input", separator);
    case "file": {
      const { path } = source;
      const status = await openable(path);
      if (!status.isFile())
        return fromStream(await openSpecial(path, status, signal), null, path, separator);
      const total = await countInputs(path, separator);
      return fromStream(createReadStream(path), total, path, separator);
    }
  }
}

function fromStream(
  stream: Readable,
  total: number | null,
  name: string,
  separator: number,
): Inputs {
  return {
    total,
    batches: explained(splitLines(stream, separator), name),
    close: () => void stream.destroy(),
  };
}

async function* explained<Batch>(
  batches: AsyncIterable<Batch>,
  name: string,
): AsyncGenerator<Batch> {
  try {
    yield* batches;
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** Node takes what it does not know, a folder too, for an empty file. */
function standardInput(): Readable {
  const status = fstatSync(0);
  if (status.isDirectory()) throw unreadable("standard input", new Error(itIsAFolder));
  if (status.isBlockDevice()) throw unreadable("standard input", new Error("it is a block device"));
  return process.stdin;
}

const itIsAFolder = "it is a folder";

async function openable(path: string): Promise<Stats> {
  try {
    const status = await stat(path);
    if (status.isDirectory()) throw new Error(itIsAFolder);
    return status;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Of a pipe or a terminal: read so that the wait for more can be given up, as a file's cannot. */
async function openSpecial(path: string, status: Stats, signal?: AbortSignal): Promise<Readable> {
  try {
    const fd = await openWithWriter(path, status, signal);
    if (status.isFIFO()) return new Socket({ fd, readable: true, writable: false });
    return isatty(fd) ? new ReadStream(fd) : createReadStream(path, { fd });
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Opening a named pipe waits for a writer, and only a writer ends that wait: an abort is one. */
async function openWithWriter(path: string, status: Stats, signal?: AbortSignal): Promise<number> {
  let writer: number | undefined;
  const onAbort = (): void => {
    if (!status.isFIFO()) return;
    try {
      writer = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    } catch {
      // Who may only read it has to wait.
    }
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal?.aborted) onAbort();
    return await promisify(open)(path, "r");
  } finally {
    signal?.removeEventListener("abort", onAbort);
    if (writer !== undefined) closeSync(writer);
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- one batch that is there already
async function* once(words: readonly string[]): AsyncGenerator<readonly string[]> {
  yield words;
}

/** Reads a regular file once to know how much work there is; another kind can be read only once. */
async function countInputs(path: string, separator: number): Promise<number> {
  try {
    let count = 0;
    let last = separator;
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      const bytes = chunk as Buffer;
      for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, at + 1))
        count++;
      last = bytes[bytes.length - 1] ?? last;
    }
    return last === separator ? count : count + 1;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(name: string, error: unknown): CofferdamError {
  return new CofferdamError(
    "INVALID_ARGUMENT",
    `the inputs cannot be read from ${name}: ${errorMessage(error)}`,
    { cause: error },
  );
}
