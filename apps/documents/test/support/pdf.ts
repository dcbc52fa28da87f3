/** Small PDFs written by hand, for tests that need many of them, or hostile ones. */
import { deflateSync } from "node:zlib";

/** A PDF with a page for each text. */
export function makePdf(texts: readonly string[]): Buffer {
  const pages = texts.flatMap((text) => {
    const lines = text.split("\n").map((line) => `(${line.replace(/[\\()]/g, "\\$&")}) Tj T*`);
    return [stream(Buffer.from(`BT /F1 12 Tf 72 720 Td 14 TL\n${lines.join("\n")}\nET`), "")];
  });
  return assemble(pages);
}

/**
 * A PDF of some kilobytes whose page content becomes that many bytes when it is unpacked: a memory
 * bomb for whoever reads it whole.
 */
export function makeBomb(bytes: number): Buffer {
  const inner = endlessDeflate(0x20, bytes);
  return assemble([stream(deflateSync(inner), "/Filter [/FlateDecode /FlateDecode]")]);
}

/** Objects 1 to 3 are the catalogue, the pages and the font; then a page and its content each. */
function assemble(contents: readonly Buffer[]): Buffer {
  const kids = contents.map((_, index) => `${4 + index * 2} 0 R`).join(" ");
  const objects = [
    Buffer.from("<< /Type /Catalog /Pages 2 0 R >>"),
    Buffer.from(`<< /Type /Pages /Kids [${kids}] /Count ${contents.length} >>`),
    Buffer.from("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"),
    ...contents.flatMap((content, index) => [page(5 + index * 2), content]),
  ];
  const parts = [Buffer.from("%PDF-1.7\n")];
  const offsets: number[] = [];
  let length = parts[0]?.length ?? 0;
  objects.forEach((object, index) => {
    offsets.push(length);
    const part = Buffer.concat([
      Buffer.from(`${index + 1} 0 obj\n`),
      object,
      Buffer.from("\nendobj\n"),
    ]);
    parts.push(part);
    length += part.length;
  });
  const rows = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const size = objects.length + 1;
  parts.push(
    Buffer.from(
      `xref\n0 ${size}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${length}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(parts);
}

function page(content: number): Buffer {
  return Buffer.from(
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${content} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
  );
}

function stream(bytes: Buffer, filter: string): Buffer {
  const head = Buffer.from(`<< /Length ${bytes.length} ${filter} >>\nstream\n`);
  return Buffer.concat([head, bytes, Buffer.from("\nendstream")]);
}

/**
 * A deflate stream for one byte again and again, written bit by bit: one literal, then "258 bytes
 * from one byte back" as often as it takes (13 bits each, so it repeats every 13 bytes). Making it
 * with zlib would take as long as unpacking it.
 */
function endlessDeflate(byte: number, bytes: number): Buffer {
  const header = "110"; // last block, fixed codes; low bit first
  const literal = (0x30 + byte).toString(2).padStart(8, "0");
  const copy = "11000101" + "00000";
  const start = toBytes(header + literal + copy.repeat(24));
  const period = start.subarray(2, 15);
  const body = Buffer.alloc(Math.ceil(bytes / (258 * 8)) * 13, period);
  // Zero bits end the block.
  return Buffer.concat([Buffer.of(0x78, 0x9c), start.subarray(0, 2), body, Buffer.alloc(8)]);
}

function toBytes(bits: string): Buffer {
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  for (let index = 0; index < bits.length; index++)
    if (bits[index] === "1") bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7));
  return bytes;
}
