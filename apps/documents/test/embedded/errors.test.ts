import PDFDocument from "pdfkit";
import { describe, expect, test } from "vitest";
import { DOCUMENT_ERROR_CODES, DocumentError, embeddedEngine } from "../../src/embedded/index.ts";

function makePdf(
  options: PDFKit.PDFDocumentOptions,
  draw: (pdf: PDFKit.PDFDocument) => void,
): Promise<Uint8Array> {
  const pdf = new PDFDocument(options);
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    pdf.on("data", (chunk: Buffer) => chunks.push(chunk));
    pdf.on("end", () => resolve(new Uint8Array(Buffer.concat(chunks))));
    draw(pdf);
    pdf.end();
  });
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("what cannot be converted", () => {
  test.each([
    ["no bytes", new Uint8Array(), "PDF_EMPTY"],
    ["plain text", bytes("Dear all, please find the paper attached."), "PDF_NOT_A_PDF"],
    ["a header and nothing else", bytes("%PDF-1.7\n"), "PDF_DAMAGED"],
  ])("%s", async (_, pdf, code) => {
    await expect(embeddedEngine.convert(pdf)).rejects.toMatchObject({
      name: "DocumentError",
      code,
    });
  });

  test("a password", async () => {
    const pdf = await makePdf({ userPassword: "sluice" }, (paper) =>
      paper.text("Behind the gate."),
    );
    await expect(embeddedEngine.convert(pdf)).rejects.toMatchObject({ code: "PDF_ENCRYPTED" });
  });

  test("a page with a drawing and no text", async () => {
    const pdf = await makePdf({}, (paper) => paper.rect(50, 50, 100, 100).fill("black"));
    await expect(embeddedEngine.convert(pdf)).rejects.toMatchObject({ code: "PDF_NO_TEXT" });
  });

  test("every code says what happened in one sentence", () => {
    for (const code of DOCUMENT_ERROR_CODES)
      expect(new DocumentError(code).message).toMatch(/^The .+; .+\.$|^The .+: .+\.$/u);
  });
});

test("the caller's bytes stay the caller's", async () => {
  const pdf = await makePdf({}, (paper) => paper.text("Still water."));
  const before = Buffer.from(pdf);
  await embeddedEngine.convert(pdf);
  expect(Buffer.from(pdf).equals(before)).toBe(true);
});

test("text at an angle does not shred the rest", async () => {
  const pdf = await makePdf({}, (paper) => {
    paper.text("The level is read at noon and again at dusk, by two people.", 72, 72);
    paper.rotate(-90, { origin: [40, 400] }).text("Draft of the harbour office", 40, 400);
  });
  const { markdown } = await embeddedEngine.convert(pdf);
  expect(markdown).toBe(
    "The level is read at noon and again at dusk, by two people.\n\nDraft of the harbour office\n",
  );
});
