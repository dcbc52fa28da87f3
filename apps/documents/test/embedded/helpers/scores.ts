import { levenshtein } from "./levenshtein.ts";

export interface Scores {
  /** How well headings agree in text, level and order: the harmonic mean of precision and recall. */
  readonly headingF1: number;
  /** One minus the edit distance of the two texts over the longer one's length. */
  readonly similarity: number;
}

export function score(actual: string, expected: string): Scores {
  return {
    headingF1: f1(headings(actual), headings(expected)),
    similarity: similarity(normalise(actual), normalise(expected)),
  };
}

/** White space and the length of a table's rule say nothing about the text. */
export function normalise(markdown: string): string {
  return markdown.replace(/-{3,}/gu, "---").replace(/\s+/gu, " ").trim();
}

export function headings(markdown: string): string[] {
  return markdown
    .split("\n")
    .filter((line) => /^#{1,6} /u.test(line))
    .map((line) => line.replace(/\s+/gu, " ").trim());
}

function similarity(a: string, b: string): number {
  const longer = Math.max(a.length, b.length);
  return longer === 0 ? 1 : 1 - levenshtein(a, b) / longer;
}

function f1(actual: readonly string[], expected: readonly string[]): number {
  const left = new Map<string, number>();
  for (const heading of expected) left.set(heading, (left.get(heading) ?? 0) + 1);
  let found = 0;
  for (const heading of actual) {
    const count = left.get(heading) ?? 0;
    if (count === 0) continue;
    left.set(heading, count - 1);
    found += 1;
  }
  if (actual.length + expected.length === 0) return 1;
  return (2 * found) / (actual.length + expected.length);
}
