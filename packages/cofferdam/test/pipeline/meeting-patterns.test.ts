/** Which patterns of outputs could give one path: never too few, and not nearly all. */
import { expect, it } from "vitest";
import { mayMeet, outputPlaces } from "../../src/pipeline/config/output-path.ts";

it.each([
  ["o/{in.stem}.md", "o/{in.stem}.json", false],
  ["a/{in.name}", "b/{in.path}", false],
  ["o/{in.stem}.md", "o/{in.name}", true],
  ["o/{in.dir}/x", "o/x", true],
  ["o/{in.stem}/", "o/{in.stem}", true],
  ["./o//{in.stem}", "o/all", true],
  ["o/{in.stem}-1", "o/all", false],
  ["{in.dir}/{in.stem}.up", "o/all.up", true],
])("%s and %s: %s", (one, other, may) => {
  expect(mayMeet(one, other)).toBe(may);
  expect(mayMeet(other, one)).toBe(may);
});

it("patterns that do give one path are never called apart", () => {
  let seed = 1;
  const pick = <T>(of: readonly T[]): T => {
    seed = (seed * 48271) % 2147483647;
    return of[seed % of.length] as T;
  };
  const words = ["a", "b", "a.b", "{in.dir}", "{in.stem}", "{in.name}", "x{in.stem}", "{in}", "a-"];
  const pattern = (): string =>
    Array.from(
      { length: 1 + pick([0, 1, 2]) },
      () => pick(words) + pick(["", "", "{in.ext}"]),
    ).join("/");
  const keys = ["a", "b", "a.b", "a/b", "a/a.b", "x", "xa", "a/xa", "b/a/b.a"];
  let met = 0;
  let apart = 0;
  for (let round = 0; round < 4000; round++) {
    const [one, other] = [pattern(), pattern()];
    const outputsOf = (text: string): (string | null)[] => {
      const place = outputPlaces(text, {});
      return keys.map((key) => place(key).output);
    };
    const outputs = outputsOf(one);
    const meet = outputsOf(other).some((output) => output !== null && outputs.includes(output));
    if (meet) {
      met++;
      expect(mayMeet(one, other), `${one} and ${other}`).toBe(true);
    } else if (!mayMeet(one, other)) apart++;
  }
  expect(met).toBeGreaterThan(100);
  expect(apart).toBeGreaterThan(100);
});
