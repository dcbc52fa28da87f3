import { describe, expect, it } from "vitest";
import { renameChunkFile, makeChunkFile } from "../../src/chunks/chunk-file.ts";
import { toChunks, type Chunk } from "../../src/chunks/chunks.ts";
import { splitSentences } from "../../src/chunks/sentences.ts";
import { pageMarker } from "../../src/pages/page-markers.ts";

const document = { id: "doc_0123456789ab_01234567", name: "a paper.pdf" };

/** A paragraph of so many sentences, each of which says where it stands. */
function paragraph(page: number, sentences: number): string {
  return Array.from(
    { length: sentences },
    (_, index) => `Sentence ${index} on page ${page} says nothing but that it is there.`,
  ).join(" ");
}

function pages(...texts: string[]): string {
  return texts.map((text, index) => `${pageMarker(index + 1)}\n\n${text}\n\n`).join("");
}

function words(chunks: readonly Chunk[]): string {
  return chunks.map(({ text }) => text).join("\n");
}

describe("chunks", () => {
  it("each sentence is in one, under the page on which the chunk begins", () => {
    const chunks = toChunks(pages(paragraph(1, 30), paragraph(2, 30), paragraph(3, 30)), document);
    for (const [index, chunk] of chunks.entries()) {
      expect(chunk.chunk_index).toBe(index);
      expect(chunk.id).toBe(`${document.id}_chunk_${index}`);
      expect(chunk.text.length).toBeLessThanOrEqual(1000);
      const said = Array.from(chunk.text.matchAll(/on page (\d)/g), ([, page]) => Number(page));
      expect(chunk.page_number).toBe(said[0]);
      expect(chunk.source_info.page_number).toBe(said[0]);
      expect(chunk.source_info.end_page_number).toBe(said.at(-1));
    }
    for (let page = 1; page <= 3; page++)
      for (let sentence = 0; sentence < 30; sentence++)
        expect(words(chunks)).toContain(`Sentence ${sentence} on page ${page} says`);
  });

  it("begin with the end of the one before", () => {
    const [first, second] = toChunks(pages(paragraph(1, 40)), document);
    const start = second?.text.slice(0, 50) ?? "";
    expect(first?.text).toContain(start);
    expect(first?.text.length).toBeGreaterThan(800);
    const info = { first: first?.source_info, second: second?.source_info };
    expect(info.second?.start_position).toBeLessThan(info.first?.end_position ?? 0);
    const apart = toChunks(pages(paragraph(1, 40)), document, { overlap: 0 });
    expect(apart[0]?.text).not.toContain(apart[1]?.text.slice(0, 50) ?? "");
  });

  it("cut no table, no heading and no code with blank lines", () => {
    const table = ["| a | b |", "| --- | --- |", ...Array<string>(40).fill("| 1 | 2 |")].join("\n");
    const code = "```\nfirst\n\nlast\n```";
    const chunks = toChunks(pages(`# Title\n\n${paragraph(1, 20)}\n\n${table}`, code), document);
    expect(chunks.filter(({ text }) => text.includes(table))).not.toHaveLength(0);
    expect(chunks.filter(({ text }) => text.includes(code))).not.toHaveLength(0);
    expect(chunks[0]).toMatchObject({
      chunk_type: "heading_section",
      has_structural_elements: true,
    });
  });

  it("count characters, and cut what has no end of a sentence", () => {
    const text = "𝒲".repeat(2500);
    const chunks = toChunks(pages(text), document);
    expect(chunks.map((chunk) => Array.from(chunk.text).length)).toEqual([1000, 1000, 500]);
    expect(chunks[2]?.source_info).toMatchObject({ start_position: 2002, end_position: 2502 });
  });

  it("are never lost for being short", () => {
    expect(toChunks(pages("Yes."), document)).toMatchObject([{ text: "Yes.", page_number: 1 }]);
    const chunks = toChunks(pages(paragraph(1, 14), "", "No."), document);
    expect(words(chunks)).toContain("No.");
    expect(toChunks(pages(""), document)).toEqual([]);
  });

  it.each([[{ size: 10 }], [{ size: 100, overlap: 100 }], [{ overlap: -1 }], [{ size: 99.5 }]])(
    "refuse sizes that make no sense: %j",
    (options) => {
      expect(() => toChunks("Text.", document, options)).toThrow(/chunks must be a whole number/);
    },
  );

  it("of a copy have the copy's name", () => {
    const file = makeChunkFile(pages(paragraph(1, 30)), "a.pdf", "f".repeat(64), 1);
    const copy = renameChunkFile(file, "b.pdf");
    expect(copy).toEqual(makeChunkFile(pages(paragraph(1, 30)), "b.pdf", "f".repeat(64), 1));
    expect(copy.document_id).not.toBe(file.document_id);
  });
});

describe("sentences", () => {
  it.each([
    ["One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]],
    ["See Fig. 3 of Smith et al. There it is.", ["See Fig. 3 of Smith et al. There it is."]],
    ["By J. R. Hobbs. He said so.", ["By J. R. Hobbs.", "He said so."]],
    ["It is 3.5 m. And e.g. that.", ["It is 3.5 m.", "And e.g. that."]],
    ["He said “Go.” She went.", ["He said “Go.”", "She went."]],
    ["第一句。第二句。", ["第一句。", "第二句。"]],
  ])("%s", (text, sentences) => {
    expect(splitSentences(text)).toEqual(sentences);
  });
});
