import { describe, expect, test } from "vitest";
import { escapeInline, escapeStart } from "../../../src/embedded/markdown/escape.ts";
import { renderMarkdown } from "../../../src/embedded/markdown/render.ts";
import type { Element } from "../../../src/embedded/model.ts";
import { SCRIPT } from "../../../src/embedded/model.ts";

const raised = (label: string): string => SCRIPT.supOpen + label + SCRIPT.supClose;
const render = (...elements: readonly Element[]): string =>
  renderMarkdown(elements, { pageMarkers: false, pages: [1, 2] });

describe("escaping", () => {
  test.each([
    ["a * b", "a \\* b"],
    ["snake_case stays", "snake_case stays"],
    ["_edge", "\\_edge"],
    ["a <b> tag", "a \\<b> tag"],
    ["a < b", "a < b"],
    ["see [1](x)", "see [1\\](x)"],
    ["see [1]", "see [1]"],
    ["&amp; you", "\\&amp; you"],
  ])("%s", (plain, escaped) => {
    expect(escapeInline(plain)).toBe(escaped);
  });

  test.each([
    ["# 3 on the list", "\\# 3 on the list"],
    ["#3 on the list", "#3 on the list"],
    ["1953. That winter", "1953\\. That winter"],
    ["- 4 degrees", "\\- 4 degrees"],
    ["> more", "\\> more"],
  ])("%s", (plain, escaped) => {
    expect(escapeStart(plain)).toBe(escaped);
  });
});

describe("rendering", () => {
  test("a note stands behind the paragraph that refers to it, and its sign is a reference", () => {
    const markdown = render(
      { kind: "paragraph", page: 1, text: `It rose.${raised("1")}` },
      { kind: "paragraph", page: 1, text: "It fell." },
      { kind: "footnote", page: 1, label: "1", text: "By a hand." },
    );
    expect(markdown).toBe("It rose.[^1]\n\n[^1]: By a hand.\n\nIt fell.\n");
  });

  test("the same sign on another page is another note", () => {
    const markdown = render(
      { kind: "paragraph", page: 1, text: `One.${raised("1")}` },
      { kind: "footnote", page: 1, label: "1", text: "First." },
      { kind: "paragraph", page: 2, text: `Two.${raised("1")}` },
      { kind: "footnote", page: 2, label: "1", text: "Second." },
    );
    expect(markdown).toContain("Two.[^1-p2]\n\n[^1-p2]: Second.");
  });

  test("a raised sign without a note stays raised", () => {
    expect(render({ kind: "paragraph", page: 1, text: `m${raised("3")}` })).toBe("m<sup>3</sup>\n");
  });

  test("tables, lists and code", () => {
    const markdown = render(
      {
        kind: "table",
        page: 1,
        rows: [
          ["A", "B"],
          ["1|2", ""],
        ],
      },
      { kind: "item", page: 1, depth: 0, ordered: true, label: "1", text: "first" },
      { kind: "item", page: 1, depth: 1, ordered: false, label: "", text: "within" },
      { kind: "code", page: 1, text: "a*b\n  c" },
    );
    expect(markdown).toBe(
      "| A | B |\n| --- | --- |\n| 1\\|2 |  |\n\n1. first\n   - within\n\n```\na*b\n  c\n```\n",
    );
  });

  test("with markers, a page without text has its marker too", () => {
    const element: Element = { kind: "paragraph", page: 2, text: "Here." };
    expect(renderMarkdown([element], { pageMarkers: true, pages: [1, 2, 3] })).toBe(
      "<!-- page 1 -->\n\n<!-- page 2 -->\n\nHere.\n\n<!-- page 3 -->\n",
    );
  });
});
