import { beforeAll, describe, expect, test } from "vitest";
import { embeddedEngine } from "../../src/embedded/index.ts";
import { headings } from "./helpers/scores.ts";
import { hasSharedPdf, readSharedPdf } from "./helpers/shared-pdfs.ts";

const there = hasSharedPdf("tracemonkey.pdf");
const why = there ? "" : " (skipped, because tracemonkey.pdf is not beside the repository)";

describe.skipIf(!there)(`a two-column conference paper${why}`, () => {
  let markdown = "";
  beforeAll(async () => {
    markdown = (await embeddedEngine.convert(readSharedPdf("tracemonkey.pdf"))).markdown;
  });

  test("has its title, over two lines, as the first heading", () => {
    expect(headings(markdown)[0]).toBe(
      "# Trace-based Just-in-Time Type Specialization for Dynamic Languages",
    );
  });

  test("has its numbered sections as headings, in order", () => {
    const sections = headings(markdown).filter((heading) => /^## \d+\. /u.test(heading));
    expect(sections).toEqual([
      "## 1. Introduction",
      "## 2. Overview: Example Tracing Run",
      "## 3. Trace Trees",
      "## 4. Nested Trace Tree Formation",
      "## 5. Trace Tree Optimization",
      "## 6. Implementation",
      "## 7. Evaluation",
      "## 8. Related Work",
      "## 9. Conclusions",
      "## 10. Future Work",
    ]);
  });

  test("has its subsections one level below", () => {
    const found = headings(markdown).filter((heading) => /\d\.\d /u.test(heading));
    expect(found.length).toBeGreaterThanOrEqual(13);
    expect(found.every((heading) => heading.startsWith("### "))).toBe(true);
  });

  test.each([
    [
      "over a column break, past a notice",
      "client-side web programming and is used for the application logic",
    ],
    ["over a page break", "speculates that the path and typing will be exactly as they were"],
    ["past a footnote", "The interpreter uses integer representations as much as it can"],
    [
      "from the last line of a column",
      "so we defined a new FFI that allows C functions to be annotated with their argument types",
    ],
  ])("a sentence goes on %s", (_, sentence) => {
    expect(markdown).toContain(sentence);
  });

  test("columns are not read across", () => {
    // On page 3 these two lines stand side by side.
    expect(markdown).not.toMatch(/the oper-? \|? ?TraceMonkey returns/u);
    expect(markdown).toContain(
      "encodes all the operations performed and the types of all operands",
    );
  });

  test("its table keeps its columns", () => {
    expect(markdown).toContain("| xx1 | number | 31-bit integer representation |");
  });
});
