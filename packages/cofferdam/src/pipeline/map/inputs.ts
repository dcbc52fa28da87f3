import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { CofferdamError, errorMessage } from "../../errors/index.ts";

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
}

const newline = 0x0a;

/** Opens a source. Rejects with `INVALID_ARGUMENT` for a file that cannot be read. */
export async function openInputs(source: InputSource, separator = newline): Promise<Inputs> {
  switch (source.kind) {
    case "words":
      return { total: source.words.length, batches: once(source.words) };
    case "stdin":
      return { total: null, batches: splitLines(process.stdin, separator) };
    case "file": {
      const total = await countInputs(source.path, separator);
      return { total, batches: splitLines(createReadStream(source.path), separator) };
    }
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- one batch that is there already
async function* once(words: readonly string[]): AsyncGenerator<readonly string[]> {
  yield words;
}

/** Reads a regular file once to know how much work there is; another kind can be read only once. */
async function countInputs(path: string, separator: number): Promise<number | null> {
  try {
    const status = await stat(path);
    if (status.isDirectory()) throw new Error("it is a folder");
    if (!status.isFile()) return null;
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
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the inputs cannot be read from ${path}: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}

/** The lines of a stream, a batch a chunk. The last line needs no separator at its end. */
export async function* splitLines(
  stream: AsyncIterable<unknown>,
  separator = newline,
): AsyncGenerator<readonly (string | null)[]> {
  let rest: Buffer[] = [];
  for await (const part of stream) {
    const chunk = part as Buffer;
    const last = chunk.lastIndexOf(separator);
    if (last < 0) {
      rest.push(chunk);
      continue;
    }
    const whole = Buffer.concat([...rest, chunk.subarray(0, last)]);
    rest = last + 1 < chunk.length ? [chunk.subarray(last + 1)] : [];
    yield decodeLines(whole, separator);
  }
  if (rest.length > 0) yield decodeLines(Buffer.concat(rest), separator);
}

function decodeLines(bytes: Buffer, separator: number): (string | null)[] {
  if (isUtf8(bytes)) return bytes.toString("utf8").split(String.fromCharCode(separator));
  const lines: (string | null)[] = [];
  for (let from = 0; from <= bytes.length;) {
    const found = bytes.indexOf(separator, from);
    const end = found < 0 ? bytes.length : found;
    const line = bytes.subarray(from, end);
    lines.push(isUtf8(line) ? line.toString("utf8") : null);
    from = end + 1;
  }
  return lines;
}
