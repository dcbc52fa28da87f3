import { describe, expect, test } from "vitest";
import { readMarker, sectionDepth } from "../../../src/embedded/blocks/markers.ts";
import { cleanText } from "../../../src/embedded/extract/clean-text.ts";
import { faceFromName } from "../../../src/embedded/pdf/faces.ts";
import { UnicodeCMapFactory } from "../../../src/embedded/pdf/unicode-cmaps.ts";

describe("cleaning", () => {
  test.each([
    ["e\uFB03cient \uFB02ow", "efficient flow"],
    ["na\u00A8\u0131ve", "naïve"],
    ["a\u0000b\u200Bc", "abc"],
    ["\uFEDF\uFE8E", "لا"],
    ["ＡＢ１、（水）", "AB1、（水）"],
    ["a\u00A0b", "a b"],
  ])("%j", (raw, clean) => {
    expect(cleanText(raw)).toBe(clean);
  });
});

describe("markers", () => {
  test.each([
    ["• silt", "bullet"],
    ["– silt", "bullet"],
    ["3. silt", "number"],
    ["(b) silt", "number"],
  ])("%s", (text, kind) => {
    expect(readMarker(text)).toMatchObject({ kind, rest: "silt" });
  });

  test.each(["1953. That winter", "silt - and sand", "3.1 Silt", "-4 degrees"])(
    "%s has none",
    (text) => {
      expect(readMarker(text)).toBeUndefined();
    },
  );

  test.each([
    ["1 Background", 1],
    ["2.3 Silt", 2],
    ["4.1.2. Sand", 3],
    ["IV. WATER", 1],
    ["A.1 Tables", 2],
  ])("%s has a depth", (text, depth) => {
    expect(sectionDepth(text)).toBe(depth);
  });

  test.each(["A river", "3 metres", "I walked"])("%s is no section", (text) => {
    expect(sectionDepth(text)).toBeUndefined();
  });
});

test("a font's face is in its name", () => {
  expect(faceFromName("TACTGM+NimbusRomNo9L-Medi")).toMatchObject({ bold: true, italic: false });
  expect(faceFromName("Times-BoldItalic")).toEqual({ bold: true, italic: true, mono: false });
  expect(faceFromName("ABCDEF+CMTT9")).toMatchObject({ mono: true });
  expect(faceFromName("Georgia")).toEqual({ bold: false, italic: false, mono: false });
});

describe("character maps", () => {
  const read = async (name: string): Promise<string> =>
    new TextDecoder().decode(
      await new UnicodeCMapFactory().fetch({ kind: "cMapUrl", filename: name }),
    );

  test("take a code to the character's Unicode value", async () => {
    // 0xD6D0 is 中 (U+4E2D) in GBK, 0x82A0 is あ (U+3042) in Shift JIS.
    expect(await read("GBK-EUC-H")).toContain(`<d6d0> <d6d0> 20013`);
    expect(await read("90ms-RKSJ-H")).toContain(`<82a0> <82a0> 12354`);
    expect(await read("90ms-RKSJ-V")).toContain("/WMode 1");
  });

  test("know no way back from numbers that are not theirs", async () => {
    await expect(read("Adobe-GB1-UCS2")).rejects.toThrow("no such data");
  });
});
