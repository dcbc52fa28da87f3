/**
 * Character maps for Chinese, Japanese and Korean fonts that name a predefined encoding and carry
 * no map of their own.
 *
 * The usual answer is to ship Adobe's map files, a package forty times the size of this
 * application. But the engine never draws, it only reads, and Node already knows these encodings.
 * So a map is made when it is asked for: it takes a character code to a "glyph number" that is the
 * Unicode value itself, and the companion map takes that number back. Printable ASCII keeps its
 * true numbers (1 to 95 in all four Adobe collections), because fonts list its widths by them.
 */

interface Encoding {
  /** A label `TextDecoder` takes; undefined where codes are Unicode already. */
  readonly decoder: string | undefined;
  readonly collection: string;
  /** What is set in each byte of a code in the encoding, and not in the map's (7-bit JIS). */
  readonly high?: number;
}

const ENCODINGS: readonly (readonly [RegExp, Encoding])[] = [
  [/^Uni(GB|CNS|JIS|KS|JISX02.*|JIS2004|JISPro)-/u, { decoder: undefined, collection: "" }],
  [/^GB(K|K2K|Kp|pc)?(-EUC)?-[HV]$/u, { decoder: "gbk", collection: "GB1" }],
  [/B5(pc)?-[HV]$/u, { decoder: "big5", collection: "CNS1" }],
  [/RKSJ-[HV]$/u, { decoder: "shift_jis", collection: "Japan1" }],
  [/^EUC-[HV]$/u, { decoder: "euc-jp", collection: "Japan1" }],
  [/^[HV]$/u, { decoder: "euc-jp", collection: "Japan1", high: 0x80 }],
  [/^KSC/u, { decoder: "euc-kr", collection: "Korea1" }],
];

const COLLECTIONS: Readonly<Record<string, string>> = {
  GB: "GB1",
  CNS: "CNS1",
  JIS: "Japan1",
  KS: "Korea1",
};

/** Hands the library its map files; it asks by name and takes the PostScript text form. */
export class UnicodeCMapFactory {
  /** Collections whose glyph numbers are ours, so that the way back is ours too. */
  readonly #collections = new Set<string>();

  fetch({ kind, filename }: { kind: string; filename: string }): Promise<Uint8Array> {
    const text = kind === "cMapUrl" ? this.#map(filename) : undefined;
    if (text === undefined) return Promise.reject(new Error(`no such data: ${filename}`));
    return Promise.resolve(new TextEncoder().encode(text));
  }

  #map(name: string): string | undefined {
    const back = /^Adobe-(\w+)-UCS2$/u.exec(name);
    // True glyph numbers, from a font without a predefined encoding, are beyond this map: better
    // no text than wrong text.
    if (back !== null) return this.#collections.has(back[1] ?? "") ? glyphsToUnicode() : undefined;
    const encoding = ENCODINGS.find(([pattern]) => pattern.test(name))?.[1];
    if (encoding === undefined) return undefined;
    const family = /^Uni(GB|CNS|JIS|KS)/u.exec(name)?.[1] ?? "";
    this.#collections.add(encoding.collection || (COLLECTIONS[family] ?? ""));
    const vertical = name.endsWith("V");
    if (encoding.decoder === undefined)
      return codesToGlyphs([unicodeRanges(), "<0000> <ffff>"], vertical);
    return codesToGlyphs(legacyRanges(encoding.decoder, encoding.high ?? 0), vertical);
  }
}

function glyphOf(codePoint: number): number {
  return codePoint >= 0x20 && codePoint <= 0x7e ? codePoint - 0x1f : codePoint;
}

function hex(value: number, bytes: number): string {
  return `<${value.toString(16).padStart(bytes * 2, "0")}>`;
}

function unicodeRanges(): string[] {
  const lines = [`<0020> <007e> ${glyphOf(0x20)}`];
  for (let high = 0; high < 0x100; high += 1) {
    const first = high === 0 ? 0x80 : high << 8;
    lines.push(`${hex(first, 2)} ${hex((high << 8) | 0xff, 2)} ${first}`);
  }
  return lines;
}

/** Asks the decoder for every one- and two-byte code. */
function legacyRanges(label: string, high: number): [string[], string] {
  const decoder = new TextDecoder(label);
  const lines: string[] = [];
  const wide = new Set<number>();
  for (let lead = 0x21 | high; lead <= 0xfe; lead += 1) {
    const alone = decoder.decode(Uint8Array.of(lead));
    if (high === 0 && alone.length === 1 && alone !== "\uFFFD") {
      lines.push(`${hex(lead, 1)} ${hex(lead, 1)} ${glyphOf(alone.charCodeAt(0))}`);
      continue;
    }
    for (let trail = high === 0 ? 0x40 : 0xa1; trail <= 0xfe; trail += 1) {
      const pair = decoder.decode(Uint8Array.of(lead, trail));
      if (pair.length !== 1 || pair === "\uFFFD") continue;
      const code = ((lead ^ high) << 8) | (trail ^ high);
      wide.add(lead ^ high);
      lines.push(`${hex(code, 2)} ${hex(code, 2)} ${pair.charCodeAt(0)}`);
    }
  }
  lines.unshift(`${hex(0x20, 1)} ${hex(0x20, 1)} ${glyphOf(0x20)}`);
  return [lines, codespace(wide)];
}

/** Which first bytes start a two-byte code, and so which stand alone. */
function codespace(wide: ReadonlySet<number>): string {
  const ranges: string[] = [];
  let from = 0;
  for (let byte = 1; byte <= 0x100; byte += 1) {
    if (byte < 0x100 && wide.has(byte) === wide.has(from)) continue;
    const last = byte - 1;
    ranges.push(
      wide.has(from)
        ? `${hex(from << 8, 2)} ${hex((last << 8) | 0xff, 2)}`
        : `${hex(from, 1)} ${hex(last, 1)}`,
    );
    from = byte;
  }
  return ranges.join("\n");
}

function codesToGlyphs([lines, space]: [string[], string], vertical: boolean): string {
  return [
    `/WMode ${vertical ? 1 : 0} def`,
    "1 begincodespacerange",
    space,
    "endcodespacerange",
    "1 begincidrange",
    ...lines,
    "endcidrange",
    "endcmap",
  ].join("\n");
}

function glyphsToUnicode(): string {
  const lines = [`${hex(1, 2)} ${hex(0x5f, 2)} ${hex(0x20, 2)}`];
  for (let high = 0; high < 0x100; high += 1) {
    const first = high === 0 ? 0x80 : high << 8;
    lines.push(`${hex(first, 2)} ${hex((high << 8) | 0xff, 2)} ${hex(first, 2)}`);
  }
  return [
    "1 begincodespacerange",
    "<0000> <ffff>",
    "endcodespacerange",
    "1 beginbfrange",
    ...lines,
    "endbfrange",
    "endcmap",
  ].join("\n");
}
