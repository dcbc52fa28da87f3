/** Letters drawn as one glyph, Arabic letter shapes, full-width Latin: shape, not meaning. */
const PRESENTATION = /[\uFB00-\uFB06\uFB13-\uFB17\uFB1D-\uFDFF\uFE70-\uFEFC\uFF01-\uFF5E]/gu;
/** C0/C1 controls, zero-width marks, the replacement character and the script sentinels. */
const INVISIBLE =
  /(?![\t\n\v])\p{Cc}|[\u200B-\u200F\u2028-\u202E\u2060-\u2064\uE000-\uE003\uFEFF\uFFFD\uFFFE\uFFFF]/gu;
const SPACES = /[\s\u00A0\u2000-\u200A\u202F\u205F\u3000]+/gu;
const FULL_WIDTH_ASCII = /^[\uFF01-\uFF5E]$/u;
const LONE_SURROGATE = /\p{Surrogate}/gu;
/** A letter followed by a free-standing accent that the font draws over it (TeX does this). */
const SPACING_ACCENT = /([\u00A8\u00B4\u0060\u02C6\u02DC]) ?(\p{L})/gu;
const COMBINING: Readonly<Record<string, string>> = {
  "\u00A8": "\u0308",
  "\u00B4": "\u0301",
  "\u0060": "\u0300",
  "\u02C6": "\u0302",
  "\u02DC": "\u0303",
};

/** Text as it is meant: ligatures undone, invisible characters gone, one kind of space. */
export function cleanText(text: string): string {
  return text
    .replace(INVISIBLE, "")
    .replace(LONE_SURROGATE, "")
    .replace(PRESENTATION, unshape)
    .replace(SPACES, " ")
    .replace(SPACING_ACCENT, (whole, accent: string, letter: string) => {
      const composed = (letter.replace("ı", "i") + (COMBINING[accent] ?? "")).normalize("NFC");
      return composed.length === letter.length ? composed : whole;
    })
    .normalize("NFC");
}

function unshape(char: string): string {
  // Full-width punctuation belongs to Chinese and Japanese text; full-width letters do not.
  if (FULL_WIDTH_ASCII.test(char)) {
    const plain = char.normalize("NFKC");
    return /[0-9A-Za-z]/u.test(plain) ? plain : char;
  }
  return char.normalize("NFKC");
}
