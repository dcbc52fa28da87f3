import { afterEach, describe, expect, test, vi } from "vitest";
import type { Reading } from "../../src/embedded/index.ts";
import { DOCUMENT_ERROR_CODES, DocumentError, embeddedEngine } from "../../src/embedded/index.ts";
import { readSharedPdf, sharedPdfNames } from "./helpers/shared-pdfs.ts";

const names = sharedPdfNames();
const why =
  names.length > 0 ? "" : " (skipped, because the shared PDFs are not beside the repository)";

afterEach(() => vi.restoreAllMocks());

async function outcome(name: string): Promise<Reading | DocumentError> {
  try {
    return await embeddedEngine.convert(readSharedPdf(name));
  } catch (error) {
    if (error instanceof DocumentError) return error;
    throw error;
  }
}

describe.skipIf(names.length === 0)(`real files, sound and broken${why}`, () => {
  test.each(names)(
    "%s ends as text or as an error of the closed list, in silence",
    async (name) => {
      const said = [
        ...(["log", "info", "warn", "error", "debug"] as const).map((method) =>
          vi.spyOn(console, method),
        ),
        vi.spyOn(process.stdout, "write"),
        vi.spyOn(process.stderr, "write"),
      ];
      const result = await outcome(name);
      for (const spy of said) expect(spy).not.toHaveBeenCalled();
      if (result instanceof DocumentError) {
        expect(DOCUMENT_ERROR_CODES).toContain(result.code);
      } else {
        expect(result.markdown.trim()).not.toBe("");
        expect(result.pages).toBeGreaterThan(0);
      }
    },
  );

  test.skipIf(!names.includes("empty.pdf"))("an empty page is a PDF without text", async () => {
    expect(await outcome("empty.pdf")).toMatchObject({ code: "PDF_NO_TEXT" });
  });

  test.skipIf(!names.includes("XiaoBiaoSong.pdf"))(
    "Chinese without a map of its own is read",
    async () => {
      expect(await outcome("XiaoBiaoSong.pdf")).toMatchObject({
        markdown: expect.stringContaining("# 目录") as string,
      });
    },
  );

  test.skipIf(!names.includes("ArabicCIDTrueType.pdf"))(
    "Arabic letter shapes become letters, in order",
    async () => {
      const markdown = expect.stringContaining("انواع الخطوط العربية") as string;
      expect(await outcome("ArabicCIDTrueType.pdf")).toMatchObject({ markdown });
    },
  );
});
