import { decodeValue, encodeValue } from "./values.ts";

/**
 * A value as the bytes that a cache stores:
 *
 *     u32 length of the header | header: {"value": encoded value, "parts": [lengths]} | part…
 */
export function packValue(value: unknown): Uint8Array {
  const { json, parts } = encodeValue(value);
  const header = JSON.stringify({ value: json, parts: parts.map((part) => part.length) });
  const headerLength = Buffer.byteLength(header);
  const packed = Buffer.allocUnsafe(
    parts.reduce((sum, part) => sum + part.length, 4 + headerLength),
  );
  packed.writeUInt32LE(headerLength, 0);
  packed.write(header, 4);
  let at = 4 + headerLength;
  for (const part of parts) {
    packed.set(part, at);
    at += part.length;
  }
  return packed;
}

/** A stored value whose header was read: from it the value can be made again and again. */
export interface OpenedValue {
  readonly value: unknown;
  readonly parts: readonly Uint8Array[];
}

/** The reverse. Throws a RangeError, SyntaxError or TypeError on what that never makes. */
export function unpackValue(bytes: Uint8Array): unknown {
  const { value, parts } = openValue(bytes);
  return decodeValue(value, parts);
}

/** The first half of `unpackValue`; the second is `decodeValue`. */
export function openValue(bytes: Uint8Array): OpenedValue {
  const packed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 4 + packed.readUInt32LE(0);
  if (end > packed.length) throw new RangeError("a header beyond its value");
  const header = JSON.parse(packed.toString("utf8", 4, end)) as {
    readonly value: unknown;
    readonly parts: readonly number[];
  };
  const parts: Uint8Array[] = [];
  let at = end;
  for (const length of header.parts) {
    if (!(length >= 0) || at + length > packed.length)
      throw new RangeError("a part beyond its value");
    parts.push(packed.subarray(at, (at += length)));
  }
  return { value: header.value, parts };
}
