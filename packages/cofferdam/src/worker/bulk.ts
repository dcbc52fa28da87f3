import { closeSync, readSync, writeSync } from "node:fs";

/**
 * Large binary parts beside the socket. Pool and worker have one file in memory open; each writes
 * into a ring of its own and reads from the other's, and a frame's header says where its parts lie:
 *
 *     0: how far the worker has read | 8: how far the pool has read | 16: what the worker may use
 *     4096: the pool's ring, `ringBytes` | 4096 + ringBytes: the worker's ring, `ringBytes`
 *
 * Numbers are u64, little-endian. A position counts the bytes since the beginning; it lies in the
 * ring at its remainder. A part is not broken in two. Whoever has no room uses the socket.
 */
export type Side = "pool" | "worker";

/** Smaller parts are as fast by the socket. */
export const bulkPartBytesMin = 16 * 1024;
/** Of each ring. Only what is used of it takes memory. */
export const ringBytes = 8 * 1024 * 1024;

const ringsAt = 4096;
/** Where each side notes how far it has read. */
const readAt = { worker: 0, pool: 8 } as const;
const allowedAt = 16;

export class BulkFile {
  readonly #file: number;
  readonly #side: Side;
  readonly #peer: Side;
  readonly #number = Buffer.alloc(8);
  /** The next part of ours is written here at the earliest. */
  #head = 0;
  /** Nothing before this is still to be read. */
  #start = 0;
  #allowed = false;

  constructor(file: number, side: Side) {
    this.#file = file;
    this.#side = side;
    this.#peer = side === "pool" ? "worker" : "pool";
  }

  /** The part's position in our ring; null when it has no room there. */
  put(part: Uint8Array): number | null {
    const { length } = part;
    const mayWrite = this.#side === "pool" || this.#isAllowed();
    if (length < bulkPartBytesMin || length > ringBytes || !mayWrite) return null;
    const read = this.#getNumber(readAt[this.#peer]);
    if (read > this.#head) return null; // it cannot have read what was not written
    // All read: from the front again, where there is memory already.
    if (read === this.#head) this.#start = this.#head = nextRound(read);
    const fits = (this.#head % ringBytes) + length <= ringBytes;
    const position = fits ? this.#head : nextRound(this.#head);
    if (position + length - Math.max(read, this.#start) > ringBytes) return null;
    if (!this.#write(part, offset(this.#side, position))) return null;
    this.#head = position + length;
    return position;
  }

  /** A part of the other side's, as memory of its own. Throws a RangeError when it is not there. */
  take(position: number, length: number): Uint8Array {
    if ((position % ringBytes) + length > ringBytes)
      throw new RangeError("a part beyond the bulk file");
    const part = Buffer.allocUnsafeSlow(length);
    if (readSync(this.#file, part, 0, length, offset(this.#peer, position)) < length)
      throw new RangeError("a part that is not in the bulk file");
    this.#putNumber(readAt[this.#side], position + length);
    return part;
  }

  /**
   * Lets the worker use its ring, once it has shown that it has large parts. The pool writes all of
   * it first: memory is charged to whom it first touches, and this is not the worker's own.
   */
  allow(): void {
    if (this.#allowed) return;
    this.#allowed = true;
    if (this.#write(Buffer.alloc(ringBytes), offset("worker", 0)))
      this.#putNumber(allowedAt, ringBytes);
  }

  close(): void {
    closeSync(this.#file);
  }

  #isAllowed(): boolean {
    this.#allowed ||= this.#getNumber(allowedAt) >= ringBytes;
    return this.#allowed;
  }

  #getNumber(at: number): number {
    const bytes = readSync(this.#file, this.#number, 0, 8, at);
    return bytes < 8 ? 0 : Number(this.#number.readBigUInt64LE());
  }

  #putNumber(at: number, value: number): void {
    this.#number.writeBigUInt64LE(BigInt(value));
    this.#write(this.#number, at);
  }

  /** False where there is no memory for it. */
  #write(bytes: Uint8Array, at: number): boolean {
    try {
      return writeSync(this.#file, bytes, 0, bytes.length, at) === bytes.length;
    } catch {
      return false;
    }
  }
}

function offset(side: Side, position: number): number {
  return ringsAt + (side === "pool" ? 0 : ringBytes) + (position % ringBytes);
}

function nextRound(position: number): number {
  return Math.ceil(position / ringBytes) * ringBytes;
}
