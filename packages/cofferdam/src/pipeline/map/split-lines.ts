import { isUtf8 } from "node:buffer";

export const newline = 0x0a;

/**
 * The lines of a stream, a batch a chunk; null for one that is not valid UTF-8. The last line needs
 * no separator at its end.
 */
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
