import { describe, expect, it } from "vitest";
import { displayWidth, escapeForTerminal, shorten } from "../../src/events/index.ts";
import { firstLine } from "../../src/events/escape.ts";
import { NASTY_NAMES } from "./support/events.ts";

/** What must never reach a terminal from outside, the joiners excepted. */
const DANGEROUS =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

describe("escapeForTerminal", () => {
  it.each([
    ["plain name.pdf", "plain name.pdf"],
    ["a\nb\r\tc", "a\\nb\\r\\tc"],
    ["\u001b[31m", "\\x1b[31m"],
    ["\u009b", "\\x9b"],
    ["exe\u202efdp.exe", "exe\\u202efdp.exe"],
    ["\u2028", "\\u2028"],
    ["\ud800x", "\\ud800x"],
    ["\u{e0041}", "\\u{e0041}"],
    ["日本語é👍🏽.pdf", "日本語é👍🏽.pdf"],
    ["می\u200cخواهم", "می\u200cخواهم"],
    [`a${"\u0300".repeat(100)}b`, `a${"\u0300".repeat(8)}b`],
  ])("shows %j as %j", (given, shown) => {
    expect(escapeForTerminal(given)).toBe(shown);
  });

  it("leaves nothing dangerous of any character there is", () => {
    for (let code = 0; code <= 0x10ffff; code += code < 0x3000 ? 1 : 7) {
      const shown = escapeForTerminal(String.fromCodePoint(code));
      expect(DANGEROUS.test(shown), code.toString(16)).toBe(false);
    }
  });
});

it("firstLine finds the first line that says something, without colours", () => {
  expect(firstLine("\n\n \u001b[31mbroken\u001b[0m pipe \r\nTraceback")).toBe("broken pipe");
  expect(firstLine("")).toBe("");
  expect(firstLine("a\u2028b")).toBe("a");
  expect(firstLine("x\u0007y")).toBe("x\\x07y");
});

describe("displayWidth", () => {
  it.each([
    ["abc", 3],
    ["", 0],
    ["é", 1],
    ["e\u0301", 1],
    ["日本", 4],
    ["한글", 4],
    ["ｆｕ", 4],
    ["👍", 2],
    ["…", 1],
    ["━", 1],
    ["a\u200db", 2],
    ["नमस्ते", 4],
  ])("of %j is %d", (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});

describe("shorten", () => {
  it("keeps the begin and, more of it, the end", () => {
    expect(shorten("reports/2024/annual-summary.pdf", 20)).toBe("report…l-summary.pdf");
    expect(shorten("short.pdf", 20)).toBe("short.pdf");
    expect(shorten("abcdefghij", 6, "...")).toBe("a...ij");
  });

  it("does not cut a character apart, nor shows half of a wide one", () => {
    expect(shorten("日本語日本語", 6)).toBe("…本語");
    expect(shorten("e\u0301e\u0301e\u0301e\u0301", 3)).toBe("…e\u0301e\u0301");
  });

  it("never exceeds the columns, whatever the name", () => {
    for (const name of NASTY_NAMES.map(escapeForTerminal)) {
      for (const columns of [-1, 0, 1, 2, 3, 5, 8, 13, 21, 40, 79, 200]) {
        for (const ellipsis of ["…", "..."]) {
          const width = displayWidth(shorten(name, columns, ellipsis));
          expect(width, `${name.slice(0, 40)} in ${columns}`).toBeLessThanOrEqual(
            Math.max(0, columns),
          );
        }
      }
    }
  });
});
