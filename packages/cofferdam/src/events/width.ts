/*
 * How many columns text takes. Terminals disagree; this counts the larger where they do (emoji joined
 * to a family count one by one), since a name shown too short is harmless, and a line too long is not.
 * Ambiguous width (East Asian "A") counts as 1, as every terminal has it by default.
 */

const ZERO = /^[\p{Mn}\p{Me}\u200c\u200d]$/u;

const EMOJI = /^\p{Emoji_Presentation}$/u;

/** East Asian Wide and Fullwidth (Unicode 16, EastAsianWidth.txt), with the gaps between filled. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2630, 0x2637],
  [0x268a, 0x268f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1d300, 0x1d376],
  [0x1f000, 0x1faff],
  [0x20000, 0x3fffd],
];

/** Made when first needed: it takes milliseconds. */
let segmenter: Intl.Segmenter | undefined;

/** Columns of text that holds no control characters: see `escapeForTerminal`. */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/**
 * Shortens to at most `columns`, in the middle: both a path's begin and its file name tell something,
 * the end more. What a reader sees as one character is not cut apart.
 */
export function shorten(text: string, columns: number, ellipsis = "…"): string {
  if (columns <= 0) return "";
  const bounded = boundText(text);
  if (bounded === text && displayWidth(text) <= columns) return text;
  const room = columns - displayWidth(ellipsis);
  if (room <= 0) return ".".repeat(columns);
  const clusters = Array.from(
    (segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" })).segment(bounded),
    ({ segment }) => segment,
  );
  const head = take(clusters, Math.floor(room / 3));
  const tail = take(clusters.reverse(), room - displayWidth(head.join("")));
  return head.join("") + ellipsis + tail.reverse().join("");
}

/**
 * Leaves out the middle of text beyond 8192 code units, twice the longest path: an item need not be a
 * file name, and escaping and measuring should take no longer for a book.
 */
export function boundText(text: string): string {
  return text.length > 8192 ? `${text.slice(0, 4096)}…${text.slice(-4096)}` : text;
}

function take(clusters: readonly string[], columns: number): string[] {
  const taken = [];
  let left = columns;
  for (const cluster of clusters) {
    left -= displayWidth(cluster);
    if (left < 0) break;
    taken.push(cluster);
  }
  return taken;
}

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x20 && code < 0x300) return 1;
  // The selector for the emoji form widens the sign before it, in most terminals.
  if (code === 0xfe0f) return 1;
  if (ZERO.test(character)) return 0;
  return isWide(code) || EMOJI.test(character) ? 2 : 1;
}

function isWide(code: number): boolean {
  return WIDE.some(([first, last]) => code >= first && code <= last);
}
