import { describe, expect, it } from "vitest";
import { splitPages, withoutMarkers } from "../../src/pages/page-markers.ts";
import { formatPageRange, outOfBounds, parsePageRange } from "../../src/pages/page-range.ts";

describe("a page range", () => {
  it.each([
    ["1", [1]],
    ["3,1", [1, 3]],
    ["1,5-7,6", [1, 5, 6, 7]],
    [" 2 - 3 , 9", [2, 3, 9]],
  ])("%s", (text, pages) => {
    expect(parsePageRange(text)).toEqual(pages);
  });

  it.each(["", "0", "0-3", "5-3", "1-", "-2", "a", "1;2", "1,,2", "1.5", "1-99999999"])(
    "refuses %j",
    (text) => {
      expect(() => parsePageRange(text)).toThrow(/is not a page range/);
    },
  );

  it("is written short, and counted from 0 for Marker", () => {
    expect(formatPageRange([1, 5, 6, 7, 9, 10])).toBe("1,5-7,9-10");
    expect(formatPageRange([1, 5, 6, 7], 0)).toBe("0,4-6");
  });

  it("knows when it asks for too much", () => {
    expect(outOfBounds([1, 3], 3)).toBeNull();
    expect(outOfBounds([1, 4], 3)).toMatch(/has 3 pages, and the page range asks for page 4/);
  });
});

describe("page markers", () => {
  const marked = "<!-- page 2 -->\n\nTwo.\n\n<!-- page 3 -->\n\n<!-- page 5 -->\n\nFive.\n";

  it("split a text", () => {
    expect(splitPages(marked)).toEqual([
      { page: 2, text: "Two." },
      { page: 5, text: "Five." },
    ]);
    expect(splitPages("No marker.")).toEqual([{ page: 1, text: "No marker." }]);
  });

  it("go without a trace", () => {
    expect(withoutMarkers(marked)).toBe("Two.\n\nFive.\n");
  });
});
