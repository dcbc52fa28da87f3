import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { embeddedEngine } from "../../src/embedded/index.ts";
import { headings, score } from "./helpers/scores.ts";

const FOLDER = join(import.meta.dirname, "../../../../examples/papers");
const names = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".pdf"))
  .map((name) => name.slice(0, -".pdf".length));

async function convert(
  name: string,
  pageMarkers = false,
): Promise<{ actual: string; expected: string; title: string | undefined }> {
  const pdf = new Uint8Array(readFileSync(join(FOLDER, `${name}.pdf`)));
  const { markdown, title } = await embeddedEngine.convert(pdf, { pageMarkers });
  return { actual: markdown, expected: readFileSync(join(FOLDER, `${name}.md`), "utf8"), title };
}

test("there are papers to compare", () => {
  expect(names.length).toBeGreaterThanOrEqual(12);
});

describe.each(names)("%s", (name) => {
  test("comes back as the Markdown it was set from", async () => {
    const { actual, expected } = await convert(name);
    const { headingF1, similarity } = score(actual, expected);
    expect(headingF1).toBeGreaterThanOrEqual(0.95);
    expect(similarity).toBeGreaterThanOrEqual(0.97);
  });

  test("has its title", async () => {
    const { expected, title } = await convert(name);
    expect(`# ${title ?? ""}`).toBe(headings(expected)[0]);
  });
});

test("page markers stand on lines of their own, one a page and in order", async () => {
  const { actual, expected } = await convert("station-handbook", true);
  const markers = actual.split("\n").filter((line) => line.startsWith("<!-- page"));
  expect(markers.length).toBeGreaterThan(20);
  expect(markers).toEqual(markers.map((_, index) => `<!-- page ${index + 1} -->`));
  expect(actual.startsWith("<!-- page 1 -->\n")).toBe(true);
  expect(headings(actual)).toEqual(headings(expected));
});

test("a sentence that runs over a page break stays whole without markers", async () => {
  const { actual, expected } = await convert("tidal-gates");
  const sentence =
    "Nine of the one hundred and forty closings fail this test and are left out of every comparison.";
  expect(expected).toContain(sentence);
  expect(actual).toContain(sentence);
});
