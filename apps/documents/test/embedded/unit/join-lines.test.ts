import { describe, expect, test } from "vitest";
import { collectVocabulary, joinLines } from "../../../src/embedded/blocks/join-lines.ts";

const words = collectVocabulary([
  "the container was a sluice gate keeper and",
  "water level rose; a tide-gate held",
]);

describe("a line's last hyphen", () => {
  test.each([
    [["a con-", "tainer"], "a container"],
    [["the well-", "known rule"], "the well-known rule"],
    [["a tide-", "gate"], "a tide-gate"],
    [["the water-", "level rule"], "the water-level rule"],
    [["a state-of-the-", "art pump"], "a state-of-the-art pump"],
    [["the Lenna-", "Ostra canal"], "the Lenna-Ostra canal"],
    [["some-", "thing"], "something"],
    [["pages 11-", "19"], "pages 11-19"],
    [["soft\u00AD", "ened"], "softened"],
  ])("%j", (lines, expected) => {
    expect(joinLines(lines, words)).toBe(expected);
  });
});

test("the halves of a broken word are not words", () => {
  const vocabulary = collectVocabulary(["a mecha-", "nical gate and a hand-", "made one"]);
  expect(vocabulary.has("nical")).toBe(false);
  expect(vocabulary.has("mecha")).toBe(false);
  expect(vocabulary.has("gate")).toBe(true);
});

test("Chinese lines join without a space, Latin lines with one", () => {
  expect(joinLines(["水往低", "处流"], words)).toBe("水往低处流");
  expect(joinLines(["down", "stream"], words)).toBe("down stream");
});
