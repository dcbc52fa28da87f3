import type { Run } from "../model.ts";
import { SCRIPT } from "../model.ts";

const RTL_LETTER = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/gu;
const LETTER = /\p{L}/gu;
/** Scripts written without spaces between words. */
export const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\u3000-\u303F\uFF00-\uFF65]/u;
const ENDS_UNSPACED = new RegExp(`${UNSPACED.source}$`, "u");
const STARTS_UNSPACED = new RegExp(`^${UNSPACED.source}`, "u");
/** Without a space drawn, a gap this wide (in type sizes) is one. */
const SPACE_GAP = 0.13;

/** Whether right-to-left letters are the majority. */
export function isRightToLeft(text: string): boolean {
  const right = text.match(RTL_LETTER)?.length ?? 0;
  return right > 0 && right * 2 >= (text.match(LETTER)?.length ?? 0);
}

/** Puts a line's runs, given from left to right, into reading order and joins their texts. */
export function runsText(
  runs: readonly Run[],
  size: number,
  baseline: number,
): { text: string; rtl: boolean } {
  const rtl = isRightToLeft(runs.map((run) => run.text).join(""));
  const ordered = readingOrder(runs, rtl);
  let text = "";
  let previous: Run | undefined;
  for (const run of ordered) {
    const separator = previous === undefined ? "" : between(previous, run, size, text);
    text += separator + withScript(run, size, baseline);
    previous = run;
  }
  return { text: mergeScripts(text).replace(/ {2,}/gu, " ").trim(), rtl };
}

/** In a right-to-left line, runs go from right to left, but neighbouring Latin runs do not. */
export function readingOrder<T extends { readonly rtl: boolean }>(
  runs: readonly T[],
  rtl: boolean,
): readonly T[] {
  const mixed = runs.some((run) => run.rtl !== rtl);
  const ordered = rtl ? [...runs].reverse() : [...runs];
  if (!mixed) return ordered;
  const result: T[] = [];
  let against: T[] = [];
  for (const run of ordered) {
    if (run.rtl !== rtl) {
      against.unshift(run);
      continue;
    }
    result.push(...against, run);
    against = [];
  }
  return [...result, ...against];
}

function between(previous: Run, run: Run, size: number, text: string): string {
  if (text.endsWith(" ")) return "";
  const gap = Math.max(run.x - previous.right, previous.x - run.right);
  const unspaced = ENDS_UNSPACED.test(text) && STARTS_UNSPACED.test(run.text.trimStart());
  if (unspaced) return "";
  if (gap > SPACE_GAP * size) return " ";
  return run.spaced && gap > 0.04 * size ? " " : "";
}

function withScript(run: Run, size: number, baseline: number): string {
  const rise = baseline - run.baseline;
  if (run.size > 0.85 * size || Math.abs(rise) <= 0.07 * size) return run.text;
  // A script's own spaces stand outside, so that neighbours of the same kind can merge.
  const inner = run.text.trim();
  if (inner === "") return run.text;
  const [open, close] =
    rise > 0 ? [SCRIPT.supOpen, SCRIPT.supClose] : [SCRIPT.subOpen, SCRIPT.subClose];
  return run.text.replace(inner, () => open + inner + close);
}

function mergeScripts(text: string): string {
  return text
    .replaceAll(SCRIPT.supClose + SCRIPT.supOpen, "")
    .replaceAll(SCRIPT.subClose + SCRIPT.subOpen, "");
}
