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

/** Frames above this are not gathered whole: their parts are filled as the bytes come. */
const streamedBytes = 64 * 1024;

/** Cuts a byte stream into messages. Throws a RangeError on bytes that cannot be frames. */
export class MessageReader {
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
    this.#chunks.push(rest);
    this.#bytes += rest.length;
    if (this.#bytes >= this.#wanted) this.#cut(onMessage);
  }

  #cut(onMessage: (message: Message) => void): void {
    const [first] = this.#chunks;
    const all = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
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
        const large = new LargeFrame(header, length - 4 - headerLength);
        offset = headerEnd + large.fill(all.subarray(headerEnd));
        if (!large.full) {
          this.#large = large;
          break;
        }
        onMessage(large.message);
      } else {
        onMessage({ header, parts: sliceParts(header, all.subarray(headerEnd, end)) });
        offset = end;
      }
    }
    const rest = all.subarray(offset);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#bytes = rest.length;
  }
}

/** A frame too large to be held twice: each part has memory of its own. */
class LargeFrame {
  readonly message: Message;
  #missing: number;
  #part = 0;
  #filled = 0;

  constructor(header: Record<string, unknown>, bytes: number) {
    this.message = {
      header,
      parts: partLengths(header, bytes).map((length) => new Uint8Array(length)),
    };
    this.#missing = bytes;
  }

  get full(): boolean {
    return this.#missing === 0;
  }

  /** Takes what belongs to it, and says how many bytes those were. */
  fill(chunk: Buffer): number {
    const taken = Math.min(chunk.length, this.#missing);
    let offset = 0;
    for (let part = this.message.parts[this.#part]; part; part = this.message.parts[this.#part]) {
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

/** The lengths of a frame's parts, which have so many bytes together at most. */
function partLengths(header: Record<string, unknown>, bytes: number): readonly number[] {
  const lengths = header["parts"];
  if (!Array.isArray(lengths)) return [];
  let sum = 0;
  for (const length of lengths as unknown[]) {
    if (typeof length !== "number" || !Number.isSafeInteger(length) || length < 0)
      throw new RangeError("a part of no length");
    sum += length;
  }
  if (sum > bytes) throw new RangeError("a part beyond its frame");
  return lengths as number[];
}

function sliceParts(header: Record<string, unknown>, bytes: Buffer): readonly Uint8Array[] {
  if (header["parts"] === undefined) return noParts;
  let offset = 0;
  return partLengths(header, bytes.length).map((length) =>
    bytes.subarray(offset, (offset += length)),
  );
}
