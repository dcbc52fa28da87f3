import type { Socket } from "node:net";

/**
 * Frames between a pool and a worker, on the worker's descriptor 3:
 *
 *     u32 length of what follows | u32 length of the header | header (JSON) | part...
 *
 * The header's `parts` lists the lengths of the binary parts. Numbers are little-endian.
 */
export interface Message {
  readonly header: Readonly<Record<string, unknown>>;
  readonly parts: readonly Uint8Array[];
}

/** A peer that announces more is broken, not busy; text that a program prints looks like that. */
const frameBytesMax = 2 ** 31 - 1;
const headerBytesMax = 2 ** 29;

export function writeMessage(
  socket: Socket,
  header: Readonly<Record<string, unknown>>,
  parts: readonly Uint8Array[] = [],
): void {
  if (!socket.writable) return; // its end is told elsewhere
  const text = Buffer.from(JSON.stringify({ ...header, parts: parts.map((part) => part.length) }));
  const bytes = parts.reduce((sum, part) => sum + part.length, 4 + text.length);
  const head = Buffer.allocUnsafe(8);
  head.writeUInt32LE(bytes, 0);
  head.writeUInt32LE(text.length, 4);
  socket.cork();
  socket.write(head);
  socket.write(text);
  for (const part of parts) socket.write(part);
  socket.uncork();
}

/** Cuts a byte stream into messages. Throws a RangeError on bytes that cannot be frames. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  *read(chunk: Buffer): Generator<Message> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      if (this.#bytes < 8) return;
      const start = this.#start();
      const length = start.readUInt32LE(0);
      const headerLength = start.readUInt32LE(4);
      if (length > frameBytesMax || headerLength > Math.min(headerBytesMax, length - 4))
        throw new RangeError("not a frame");
      if (this.#bytes < 4 + length) return;
      const all = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : this.#join();
      const rest = all.subarray(4 + length);
      this.#chunks = rest.length > 0 ? [rest] : [];
      this.#bytes = rest.length;
      yield parseMessage(all.subarray(4, 4 + length));
    }
  }

  /** A buffer that holds at least the two lengths. */
  #start(): Buffer {
    const first = this.#chunks[0];
    return first && first.length >= 8 ? first : this.#join();
  }

  #join(): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}

function parseMessage(body: Buffer): Message {
  const end = 4 + body.readUInt32LE(0);
  const header: unknown = JSON.parse(body.toString("utf8", 4, end));
  if (typeof header !== "object" || header === null) throw new RangeError("a header of no object");
  const lengths: unknown = (header as Record<string, unknown>)["parts"];
  const parts: Buffer[] = [];
  let offset = end;
  for (const length of Array.isArray(lengths) ? (lengths as unknown[]) : []) {
    if (typeof length !== "number" || !(length >= 0) || offset + length > body.length)
      throw new RangeError("a part beyond its frame");
    parts.push(body.subarray(offset, offset + length));
    offset += length;
  }
  return { header: header as Record<string, unknown>, parts };
}
