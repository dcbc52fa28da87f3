import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** A font by the name it is registered under in the PDF being made. */
export type FontName = string;

export interface Family {
  readonly regular: FontName;
  readonly bold: FontName;
  readonly italic: FontName;
}

/** The fourteen standard fonts need no file; the others are open fonts from npm. */
export const FAMILIES = {
  times: { regular: "Times-Roman", bold: "Times-Bold", italic: "Times-Italic" },
  helvetica: { regular: "Helvetica", bold: "Helvetica-Bold", italic: "Helvetica-Oblique" },
  source: { regular: "source-400-normal", bold: "source-700-normal", italic: "source-400-italic" },
  noto: { regular: "noto-400-normal", bold: "noto-700-normal", italic: "noto-400-italic" },
} satisfies Record<string, Family>;

export const MONO: FontName = "Courier";

const require = createRequire(import.meta.url);

/** The file of an open font, or undefined for a standard one. */
export function fontFile(name: FontName): Uint8Array | undefined {
  const path = fontPath(name);
  return path === undefined ? undefined : readFileSync(require.resolve(path));
}

function fontPath(name: FontName): string | undefined {
  const [family = "", weight = "400", style = "normal"] = name.split("-");
  switch (family) {
    case "source":
      return `@fontsource/source-serif-4/files/source-serif-4-latin-${weight}-${style}.woff`;
    case "noto":
      return `@fontsource/noto-serif/files/noto-serif-latin-${weight}-${style}.woff`;
    case "greek":
    case "cyrillic":
      return `@fontsource/noto-serif/files/noto-serif-${family}-${weight}-normal.woff`;
    case "chinese":
      return `@fontsource/noto-sans-sc/files/noto-sans-sc-chinese-simplified-${weight}-normal.woff`;
    case "japanese":
      return `@fontsource/noto-sans-jp/files/noto-sans-jp-japanese-${weight}-normal.woff`;
    case "arabic":
      return `@fontsource/cairo/files/cairo-arabic-${weight}-normal.woff`;
    default:
      return undefined;
  }
}

/** The East Asian face a paper uses: the two share most characters. */
export type EastAsian = "chinese" | "japanese";

/** The font for one character: the paper's own, unless another script needs another. */
export function fontFor(char: string, own: FontName, eastAsian: EastAsian): FontName {
  const weight = /bold|-700-/iu.test(own) ? 700 : 400;
  if (/\p{Script=Greek}/u.test(char)) return `greek-${weight}-normal`;
  if (/\p{Script=Cyrillic}/u.test(char)) return `cyrillic-${weight}-normal`;
  if (isArabic(char)) return `arabic-${weight}-normal`;
  if (isEastAsian(char)) return `${eastAsian}-${weight}-normal`;
  return own;
}

export function isEastAsian(char: string): boolean {
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303F\uFF00-\uFF65ー]/u.test(
    char,
  );
}

export function isArabic(text: string): boolean {
  return /[\p{Script=Arabic}،؛؟]/u.test(text);
}
