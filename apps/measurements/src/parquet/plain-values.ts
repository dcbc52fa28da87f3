import type { ColumnKind, Values } from "./columns.ts";

/** Encoding PLAIN: one value after the other. `values` hold none that is missing. */
export function plainValues(kind: ColumnKind, values: Values): Uint8Array {
  switch (kind) {
    case "float64":
      return bytesOf(
        values instanceof Float64Array ? values : Float64Array.from(values as Values<number>),
      );
    case "int64":
    case "timestamp":
      return bytesOf(
        values instanceof BigInt64Array ? values : BigInt64Array.from(values as Values<bigint>),
      );
    case "string":
      return plainTexts(values as Values<string>);
    case "boolean":
      return plainBooleans(values as Values<boolean>);
  }
}

/** As they lie in memory: Node runs on little-endian machines, and Parquet is little-endian. */
function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Each with its length before it. */
function plainTexts(values: Values<string>): Uint8Array {
  const texts = Array.from(values, (value) => Buffer.from(value));
  const bytes = Buffer.allocUnsafe(texts.reduce((sum, { length }) => sum + 4 + length, 0));
  let at = 0;
  for (const text of texts) {
    at = bytes.writeUInt32LE(text.length, at);
    at += text.copy(bytes, at);
  }
  return bytes;
}

/** Eight to a byte, the lowest bit first. */
function plainBooleans(values: Values<boolean>): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  for (let row = 0; row < values.length; row++)
    if (values[row]) bytes[row >> 3] = (bytes[row >> 3] ?? 0) | (1 << (row & 7));
  return bytes;
}
