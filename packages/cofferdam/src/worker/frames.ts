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
export const frameBytesMax = 2 ** 31 - 1;
const headerBytesMax = 2 ** 29;

/** The parts of a frame up to this size are copied beside its header: one write is cheaper. */
const gatherBytesMax = 16 * 1024;

const noParts: readonly Uint8Array[] = [];

/**
 * The buffers of one frame, to be written in this order and before any other. `header` is the JSON
 * of an object that is not empty. Throws a RangeError above `frameBytesMax`.
 */
export function encodeFrame(header: string, parts: readonly Uint8Array[] = noParts): Uint8Array[] {
  let text = header;
  let partBytes = 0;
  if (parts.length > 0) {
    text = `${header.slice(0, -1)},"parts":[${parts.map((part) => part.length).join()}]}`;
    for (const part of parts) partBytes += part.length;
  }
  const textBytes = Buffer.byteLength(text);
  const bytes = 4 + textBytes + partBytes;
  if (bytes > frameBytesMax) throw new RangeError(`a frame of ${bytes} bytes`);
  const gathered = partBytes <= gatherBytesMax;
  const head = Buffer.allocUnsafe(8 + textBytes + (gathered ? partBytes : 0));
  head.writeUInt32LE(bytes, 0);
  head.writeUInt32LE(textBytes, 4);
  head.write(text, 8);
  if (!gathered) return [head, ...parts];
  let offset = 8 + textBytes;
  for (const part of parts) {
    head.set(part, offset);
    offset += part.length;
  }
  return [head];
}

/** Cuts a byte stream into messages. Throws a RangeError on bytes that cannot be frames. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes of the frame that is being read; 0 before its length is known. */
  #wanted = 0;

  read(chunk: Buffer, onMessage: (message: Message) => void): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < (this.#wanted || 8)) return;
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes);
    let offset = 0;
    this.#wanted = 0;
    while (all.length - offset >= 8) {
      const length = all.readUInt32LE(offset);
      const headerLength = all.readUInt32LE(offset + 4);
      if (length > frameBytesMax || headerLength > Math.min(headerBytesMax, length - 4))
        throw new RangeError("not a frame");
      if (all.length - offset < 4 + length) {
        this.#wanted = 4 + length;
        break;
      }
      onMessage(parseMessage(all, offset + 8, headerLength, offset + 4 + length));
      offset += 4 + length;
    }
    const rest = all.subarray(offset);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#bytes = rest.length;
  }
}

function parseMessage(all: Buffer, start: number, headerLength: number, end: number): Message {
  const headerEnd = start + headerLength;
  const header: unknown = JSON.parse(all.toString("utf8", start, headerEnd));
  if (typeof header !== "object" || header === null) throw new RangeError("a header of no object");
  const lengths = (header as Record<string, unknown>)["parts"];
  if (!Array.isArray(lengths)) return { header: header as Record<string, unknown>, parts: noParts };
  const parts: Buffer[] = [];
  let offset = headerEnd;
  for (const length of lengths as unknown[]) {
    if (typeof length !== "number" || !(length >= 0) || offset + length > end)
      throw new RangeError("a part beyond its frame");
    parts.push(all.subarray(offset, offset + length));
    offset += length;
  }
  return { header: header as Record<string, unknown>, parts };
}
