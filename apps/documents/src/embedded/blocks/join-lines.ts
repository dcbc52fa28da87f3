import { UNSPACED } from "../lines/run-text.ts";

/** The words a document uses, to tell a broken word from a compound. */
export interface Vocabulary {
  has(word: string): boolean;
}

const HYPHEN_END = /([\p{L}\p{M}]+)[-\u2010\u00AD]$/u;
const WHOLE_WORD = /(?<![\p{L}\p{M}-])[\p{L}\p{M}]+(?:-[\p{L}\p{M}]+)*(?![\p{L}\p{M}-])/gu;
const WORD_START = /^([\p{L}\p{M}]+)/u;
/** First halves of compounds that keep their hyphen, and that no hyphenation leaves on a line. */
const COMPOUND_HALVES = new Set(
  "self well non half cross high low long short two three four five six seven eight nine ten full part-time semi ex quasi single double multi pseudo open free large small left right first second third".split(
    " ",
  ),
);
/** First halves that English writes closed up. */
const CLOSED_HALVES = new Set(
  "some any every under over out with mean where there never how here every down up in".split(" "),
);

/** Collects the words that stand whole inside lines, given in reading order. */
export function collectVocabulary(texts: Iterable<string>): Vocabulary {
  const words = new Set<string>();
  let broken = false;
  for (const text of texts) {
    // What follows a line's last hyphen is perhaps half a word, and so is what stands before it.
    const whole = broken ? text.replace(WORD_START, "") : text;
    for (const word of whole.toLowerCase().match(WHOLE_WORD) ?? []) words.add(word);
    broken = HYPHEN_END.test(text);
  }
  return words;
}

/** Joins two pieces of running text across a line, column or page break. */
export function joinTexts(before: string, after: string, vocabulary: Vocabulary): string {
  const half = HYPHEN_END.exec(before)?.[1];
  const rest = WORD_START.exec(after)?.[1];
  if (half !== undefined && rest !== undefined) {
    return keepsHyphen(before, after, half, rest, vocabulary)
      ? before.replace(/\u00AD$/u, "") + after
      : before.slice(0, -1) + after;
  }
  if (/\p{N}[-\u2010]$/u.test(before) && /^[\p{L}\p{N}]/u.test(after)) return before + after;
  if (/[–—/]$/u.test(before) && /\S[–—/]$/u.test(before)) return before + after;
  const unspaced = UNSPACED.test(before.slice(-1)) && UNSPACED.test(after.slice(0, 1));
  return unspaced ? before + after : `${before} ${after}`;
}

function keepsHyphen(
  before: string,
  after: string,
  half: string,
  rest: string,
  vocabulary: Vocabulary,
): boolean {
  if (before.endsWith("\u00AD")) return false;
  const a = half.toLowerCase();
  const b = rest.toLowerCase();
  if (vocabulary.has(a + b)) return false;
  if (/^ma?c$/u.test(a)) return false;
  // "interpreter-" before "to-trace": the break fell inside a chain of hyphens.
  if (after.charAt(rest.length) === "-" || !/^\p{Ll}/u.test(rest)) return true;
  if (vocabulary.has(`${a}-${b}`)) return true;
  // A chain such as "state-of-the-" is a compound already.
  if (/[\p{L}]-[\p{L}]+-$/u.test(before)) return true;
  if (COMPOUND_HALVES.has(a)) return true;
  if (CLOSED_HALVES.has(a)) return false;
  return a.length >= 4 && b.length >= 4 && vocabulary.has(a) && vocabulary.has(b);
}

/** Joins a block's lines into one text. */
export function joinLines(lines: readonly string[], vocabulary: Vocabulary): string {
  return lines.reduce((text, line) => (text === "" ? line : joinTexts(text, line, vocabulary)), "");
}
