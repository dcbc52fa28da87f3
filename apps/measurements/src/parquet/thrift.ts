/** Types of fields and of a list's elements. */
export const thriftTypes = { true: 1, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

const stop = 0;
const shortListMost = 14;

/**
 * Bytes that grow, and Thrift's compact protocol, in which Parquet keeps its headers. Fields are
 * written in ascending order, at most 15 apart; numbers are whole and from 0.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export class ThriftWriter {
  #bytes = Buffer.allocUnsafe(65_536);
  #length = 0;
  #field = 0;
  readonly #outer: number[] = [];

  get length(): number {
    return this.#length;
  }

  /** Begins anew, in the same memory. */
  clear(): void {
    this.#length = 0;
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  uint32(value: number): void {
    if (this.#length + 4 > this.#bytes.length) this.#grow(4);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
  }

  varint(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.byte((rest % 0x80) | 0x80);
    this.byte(rest);
  }

  i32(field: number, value: number): void {
    this.#header(field, thriftTypes.i32);
    this.varint(value * 2); // zigzag
  }

  i64(field: number, value: number): void {
    this.#header(field, thriftTypes.i64);
    this.varint(value * 2);
  }

  true(field: number): void {
    this.#header(field, thriftTypes.true);
  }

  binary(field: number, value: Uint8Array): void {
    this.#header(field, thriftTypes.binary);
    this.element(value);
  }

  /** Begins a list; its elements follow. */
  list(field: number, type: number, size: number): void {
    this.#header(field, thriftTypes.list);
    if (size > shortListMost) {
      this.byte(0xf0 | type);
      this.varint(size);
    } else this.byte((size << 4) | type);
  }

  /** Bytes in a list. */
  element(value: Uint8Array): void {
    this.varint(value.length);
    this.raw(value);
  }

  /** Begins a struct: of a field, or an element of a list, or the first of all. */
  struct(field?: number): void {
    if (field !== undefined) this.#header(field, thriftTypes.struct);
    this.#outer.push(this.#field);
    this.#field = 0;
  }

  end(): void {
    this.byte(stop);
    this.#field = this.#outer.pop() ?? 0;
  }

  #header(field: number, type: number): void {
    this.byte(((field - this.#field) << 4) | type);
    this.#field = field;
  }

  #grow(by: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + by));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
