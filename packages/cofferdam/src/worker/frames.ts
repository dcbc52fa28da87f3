/**
 * Frames between a pool and a worker, on the worker's descriptor 3:
 *
 *     u32 length of what follows | u32 length of the header | header (JSON) | part...
 *
 * The header's `parts` lists the lengths of the binary parts. Numbers are little-endian. A
 * part that lies in the bulk file has `[position, length]` there and is not in the frame.
 */
import type { BulkFile } from "./bulk.ts";

export interface Message {
  readonly header: Readonly<Record<string, unknown>>;
  readonly parts: readonly Uint8Array[];
}

/** A peer that announces more is broken, not busy; text that a program prints looks like that. */
export const frameBytesMax = 2 ** 31 - 1;
export const headerBytesMax = 2 ** 29;

/** The parts of a frame up to this size are copied beside its header: one write is cheaper. */
const gatherBytesMax = 16 * 1024;

const noParts: readonly Uint8Array[] = [];

/**
 * The buffers of one frame, to be written in this order and before any other. `header` is the JSON
 * of an object that is not empty. Large parts go into the bulk file, as far as it has room. Throws
 * a RangeError above `frameBytesMax`.
 */
export function encodeFrame(
  header: string,
  parts: readonly Uint8Array[] = noParts,
  bulk?: BulkFile,
): Uint8Array[] {
  if (parts.length === 0) return [encodeHead(header, noParts, 0)];
  const inline: Uint8Array[] = [];
  const places = parts.map((part) => {
    const position = bulk?.put(part) ?? null;
    if (position !== null) return `[${position},${part.length}]`;
    inline.push(part);
    return part.length;
  });
  const text = `${header.slice(0, -1)},"parts":[${places.join()}]}`;
  let partBytes = 0;
  for (const part of inline) partBytes += part.length;
  if (partBytes > gatherBytesMax) return [encodeHead(text, noParts, partBytes), ...inline];
  return [encodeHead(text, inline, partBytes)];
}

/** The start of a frame: lengths, header, and the parts that are gathered with it. */
function encodeHead(text: string, gathered: readonly Uint8Array[], partBytes: number): Buffer {
  const textBytes = Buffer.byteLength(text);
  const bytes = 4 + textBytes + partBytes;
  if (bytes > frameBytesMax) throw new RangeError(`a frame of ${bytes} bytes`);
  const head = Buffer.allocUnsafe(8 + textBytes + (gathered.length > 0 ? partBytes : 0));
  head.writeUInt32LE(bytes, 0);
  head.writeUInt32LE(textBytes, 4);
  head.write(text, 8);
  let offset = 8 + textBytes;
  for (const part of gathered) {
    head.set(part, offset);
    offset += part.length;
  }
  return head;
}

/** Frames above this are not gathered whole: their parts are filled as the bytes come. */
const streamedBytes = 64 * 1024;

/**
 * Cuts a byte stream into messages. Throws a RangeError on bytes that cannot be frames. A chunk is
 * the caller's again when `read` returns: what is kept of it is copied.
 */
export class MessageReader {
  /** Where parts may lie beside the stream. */
  bulk: BulkFile | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** How many bytes must be there before the next look. */
  #wanted = 8;
  /** A large frame whose header is known and whose parts are being filled. */
  #large: LargeFrame | undefined;

  read(chunk: Buffer, onMessage: (message: Message) => void): void {
    let rest = chunk;
    if (this.#large) {
      rest = chunk.subarray(this.#large.fill(chunk));
      if (!this.#large.full) return;
      const { message } = this.#large;
      this.#large = undefined;
      onMessage(message);
      if (rest.length === 0) return;
    }
    this.#bytes += rest.length;
    if (this.#bytes < this.#wanted) {
      this.#chunks.push(Buffer.from(rest));
    } else if (this.#chunks.length === 0) {
      this.#cut(rest, onMessage);
    } else {
      this.#chunks.push(rest);
      this.#cut(Buffer.concat(this.#chunks), onMessage);
    }
  }

  #cut(all: Buffer, onMessage: (message: Message) => void): void {
    let offset = 0;
    this.#wanted = 8;
    while (all.length - offset >= 8) {
      const length = all.readUInt32LE(offset);
      const headerLength = all.readUInt32LE(offset + 4);
      if (length > frameBytesMax || headerLength > Math.min(headerBytesMax, length - 4))
        throw new RangeError("not a frame");
      const [headerStart, headerEnd, end] = [
        offset + 8,
        offset + 8 + headerLength,
        offset + 4 + length,
      ];
      if (all.length < (length > streamedBytes ? headerEnd : end)) {
        this.#wanted = (length > streamedBytes ? headerEnd : end) - offset;
        break;
      }
      const header = parseHeader(all.toString("utf8", headerStart, headerEnd));
      if (length > streamedBytes) {
        const large = new LargeFrame(header, length - 4 - headerLength, this.bulk);
        offset = headerEnd + large.fill(all.subarray(headerEnd));
        if (!large.full) {
          this.#large = large;
          break;
        }
        onMessage(large.message);
      } else {
        const { parts } = header;
        const given =
          parts === undefined
            ? noParts
            : sliceParts(header, all.subarray(headerEnd, end), this.bulk);
        onMessage({ header, parts: given });
        offset = end;
      }
    }
    this.#bytes = all.length - offset;
    this.#chunks = this.#bytes > 0 ? [Buffer.from(all.subarray(offset))] : [];
  }
}

/** A frame too large to be held twice: each part has memory of its own. */
class LargeFrame {
  readonly message: Message;
  /** Those of its parts that come by the stream. */
  readonly #parts: Uint8Array[] = [];
  #missing: number;
  #part = 0;
  #filled = 0;

  constructor(header: Record<string, unknown>, bytes: number, bulk: BulkFile | undefined) {
    const parts = readParts(header, bytes, bulk, (length) => {
      const part = Buffer.allocUnsafeSlow(length);
      this.#parts.push(part);
      return part;
    });
    this.message = { header, parts };
    this.#missing = bytes;
  }

  get full(): boolean {
    return this.#missing === 0;
  }

  /** Takes what belongs to it, and says how many bytes those were. */
  fill(chunk: Buffer): number {
    const taken = Math.min(chunk.length, this.#missing);
    let offset = 0;
    for (let part = this.#parts[this.#part]; part; part = this.#parts[this.#part]) {
      const bytes = chunk.subarray(offset, Math.min(taken, offset + part.length - this.#filled));
      part.set(bytes, this.#filled);
      this.#filled += bytes.length;
      offset += bytes.length;
      if (this.#filled < part.length) break;
      this.#part++;
      this.#filled = 0;
    }
    this.#missing -= taken; // with what follows the last part, which nobody wants
    return taken;
  }
}

function parseHeader(text: string): Record<string, unknown> {
  const header: unknown = JSON.parse(text);
  if (typeof header !== "object" || header === null) throw new RangeError("a header of no object");
  return header as Record<string, unknown>;
}

/**
 * A frame's parts: what lies in the bulk file is read from there; the others, of `bytes` together
 * at most, are what `inline` gives for their lengths.
 */
function readParts(
  header: Record<string, unknown>,
  bytes: number,
  bulk: BulkFile | undefined,
  inline: (length: number) => Uint8Array,
): readonly Uint8Array[] {
  const { parts } = header;
  if (parts === undefined) return noParts;
  if (!Array.isArray(parts)) throw new RangeError("parts that are no list");
  let left = bytes;
  return parts.map((place: unknown) => {
    if (Array.isArray(place)) {
      if (!bulk) throw new RangeError("a part in a bulk file that there is not");
      return bulk.take(checkLength(place[0]), checkLength(place[1]));
    }
    const length = checkLength(place);
    if ((left -= length) < 0) throw new RangeError("a part beyond its frame");
    return inline(length);
  });
}

function checkLength(value: unknown): number {
  if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
  throw new RangeError("a part of no length");
}

function sliceParts(
  header: Record<string, unknown>,
  bytes: Buffer,
  bulk: BulkFile | undefined,
): readonly Uint8Array[] {
  let offset = 0;
  // Copies, with memory of their own.
  return readParts(header, bytes.length, bulk, (length) =>
    Uint8Array.prototype.slice.call(bytes, offset, (offset += length)),
  );
}
