import { stripVTControlCharacters } from "node:util";

/*
 * \p{C}: control characters (newline, ESC, and the C1 set, where U+009B alone begins a sequence),
 * format characters (the bidi overrides that show "fdp.exe" as "exe.pdf"; soft hyphens; tags), lone
 * surrogates, and code points without a meaning, whose width nobody knows. Zl and Zp break lines.
 * The joiners U+200C and U+200D stay: Persian, the Indic scripts and emoji are spelt with them.
 */
const UNSAFE = /(?![\u200c\u200d])[\p{C}\p{Zl}\p{Zp}]/gu;

/** Marks on one letter beyond what any language stacks ("zalgo"): unbounded bytes in no width. */
const STACKED = /([\p{M}\u200c\u200d]{8})[\p{M}\u200c\u200d]+/gu;

/**
 * Makes text from outside (file names) safe to show on a terminal: one line, nothing the terminal
 * obeys, nothing that reorders. What is taken out stays visible as `\n`, `\x1b`, `\u202e`.
 */
export function escapeForTerminal(text: string): string {
  // Almost every name is plain ASCII.
  if (/^[ -~]*$/.test(text)) return text;
  return text.replace(UNSAFE, escapeCharacter).replace(STACKED, "$1");
}

/** The first line with something in it, without colours: an error's message fit for a list. */
export function firstLine(text: string): string {
  const plain = stripVTControlCharacters(text.slice(0, 10_000));
  const line = plain.split(/[\r\n\u0085\u2028\u2029]+/).find((part) => part.trim() !== "") ?? "";
  return escapeForTerminal(line.trim());
}

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escapeCharacter(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}
