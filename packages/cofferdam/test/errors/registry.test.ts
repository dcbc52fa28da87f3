/** The pages of `docs/` against the code and against themselves. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { failureCodes } from "../../../../apps/documents/src/explain.ts";
import { errorCodes } from "../../src/errors/index.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const errorsPage = readPage(join(root, "docs/reference/errors.md"));
const documentsTitle = "\n## Failure codes of documents\n";

const ofLibrary = errorsPage.slice(0, errorsPage.indexOf(documentsTitle));
const ofDocuments = errorsPage.slice(errorsPage.indexOf(documentsTitle));

describe("docs/reference/errors.md", () => {
  test("has a heading for each code of the library, once, and no other", () => {
    const headings = Array.from(ofLibrary.matchAll(/^### (.+)$/gm), ([, heading]) => heading);
    expect(headings.toSorted()).toEqual(Object.keys(errorCodes).toSorted());
  });

  test("says of each code when it comes, what was done and what to do next", () => {
    const sections = ofLibrary.split(/^### /m).slice(1);
    expect(sections).not.toHaveLength(0);
    for (const section of sections) {
      const body = section.split(/^## /m)[0] ?? "";
      expect(body).toMatch(/\*\*When:\*\* \S.*\*\*Next:\*\* \S/s);
    }
  });

  test("has a row for each failure code of documents, once, and no other", () => {
    expect(ofDocuments).toContain(documentsTitle);
    const rows = Array.from(ofDocuments.matchAll(/^\| `([^`]+)` +\|/gm), ([, code]) => code);
    expect(rows.toSorted()).toEqual(failureCodes.toSorted());
  });
});

const pages = [
  ...globSync("docs/**/*.md", { cwd: root }),
  "README.md",
  "CONTRIBUTING.md",
  "PRINCIPLES.md",
  "SECURITY.md",
]
  .map((page) => join(root, page))
  .filter((page) => existsSync(page));

describe("every relative link leads somewhere", () => {
  test("the pages are found", () => {
    expect(pages.length).toBeGreaterThanOrEqual(12);
    expect(pages.flatMap(linksOf)).not.toHaveLength(0);
  });

  test.each(pages.map((page) => [relative(root, page), page]))("%s", (_name, page) => {
    expect(linksOf(page).filter((link) => !leadsSomewhere(page, link))).toEqual([]);
  });
});

/** A page without its code blocks, in which nothing is a heading or a link. */
function readPage(path: string): string {
  return readFileSync(path, "utf8").replace(/^( *)```[^]*?^\1```$/gm, "");
}

/** Targets of `[text](target)`, images too, and of `[label]: target`, that stay in the repository. */
function linksOf(page: string): string[] {
  const text = readPage(page).replace(/`[^`\n]*`/g, "code");
  const inline = Array.from(text.matchAll(/\]\(\s*<?([^)\s>]+)/g), ([, target = ""]) => target);
  const labelled = Array.from(text.matchAll(/^\[[^\]]+\]: +(\S+)/gm), ([, target = ""]) => target);
  return [...inline, ...labelled].filter((target) => !/^[a-z][a-z+.-]*:/i.test(target));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [file = "", anchor] = decodeURI(link).split("#");
  const target = file === "" ? page : join(dirname(page), file);
  if (!existsSync(target)) return false;
  return anchor === undefined || !target.endsWith(".md") || anchorsOf(target).has(anchor);
}

/** What GitHub makes of headings. */
function anchorsOf(page: string): Set<string> {
  const headings = readPage(page).matchAll(/^#{1,6} +(.+?) *$/gm);
  return new Set(
    Array.from(headings, ([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
