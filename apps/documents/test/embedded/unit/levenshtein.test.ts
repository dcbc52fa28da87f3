import { expect, test } from "vitest";
import { levenshtein } from "../helpers/levenshtein.ts";

function plain(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** A small generator with a fixed seed, so that a failure can be repeated. */
function* texts(): Generator<string> {
  let seed = 20_250_101;
  const next = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648);
  for (;;) {
    const length = next() % 120;
    let text = "";
    for (let index = 0; index < length; index += 1)
      text += "abcd".charAt(Math.floor(next() / 65_536) % 4);
    yield text;
  }
}

test("agrees with the plain method, over one word's 32 places and more", () => {
  const source = texts();
  for (let round = 0; round < 300; round += 1) {
    const a = source.next().value as string;
    const b = source.next().value as string;
    expect(levenshtein(a, b)).toBe(plain(a, b));
  }
});

test("knows nothing and everything", () => {
  expect(levenshtein("", "dam")).toBe(3);
  expect(levenshtein("weir", "weir")).toBe(0);
});
