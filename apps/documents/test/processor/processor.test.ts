/** `DocumentProcessor`, as a program uses it. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  DocumentProcessor,
  type Checkpoint,
  type DocumentProcessorOptions,
  type FailedDocument,
  type ProcessedDocument,
} from "../../src/index.ts";
import { hasPython, useMarker } from "../support/marker.ts";
import { makePdf } from "../support/pdf.ts";
import { useWorkspace } from "../support/workspace.ts";

const here = useWorkspace();
const python = hasPython();

async function collect(
  results: AsyncIterable<ProcessedDocument | FailedDocument>,
): Promise<Map<string, ProcessedDocument | FailedDocument>> {
  const found = new Map<string, ProcessedDocument | FailedDocument>();
  for await (const result of results) found.set(result.filename, result);
  return found;
}

function behaves(extra: () => Partial<DocumentProcessorOptions>): void {
  const open = (options: Partial<DocumentProcessorOptions> = {}): Promise<DocumentProcessor> =>
    DocumentProcessor.open({ out: here.out, workers: 1, ...extra(), ...options });

  it("converts, keeps text and metadata, and cuts chunks", async () => {
    const path = join(here.papers, "a paper (1).pdf");
    writeFileSync(path, makePdf(["The first page.", "The second page has a little more text."]));
    await using processor = await open();
    const result = await processor.process(path);
    expect(result).toMatchObject({
      status: "newly_processed",
      filename: "a paper (1).pdf",
      sourcePath: path,
      id: expect.stringMatching(/^doc_[0-9a-f]{12}_[0-9a-f]{8}$/) as string,
      text: expect.stringMatching(/^<!-- page 1 -->\n\nThe first.*<!-- page 2 -->/s) as string,
      chunks: [{ id: `${result.id}_chunk_0`, page_number: 1 }],
    });
    expect(result.id.slice(4, 16)).toBe(result.contentHash.slice(0, 12));
    expect(result.rawTextPath).toBe(join(here.out, `${result.id}_a paper 1_raw.md`));
    expect(readFileSync(result.rawTextPath, "utf8")).toBe(result.text);
    const file = join(here.out, `${result.id}_a paper 1_metadata.json`);
    const metadata = JSON.parse(readFileSync(file, "utf8")) as object;
    expect(metadata).toEqual(result.metadata);
    expect(metadata).toMatchObject({
      document_id: result.id,
      original_filename: "a paper (1).pdf",
      extraction_format: "md",
      text_length: result.text.length,
      image_count: 0,
      images: [],
      text_file: `${result.id}_a paper 1_raw.md`,
      content_hash: result.contentHash,
      page_count: 2,
    });
    expect((await processor.close()).processes.left).toBe(0);
  });

  it("converts the same content once, also in a later run, unless forced to", async () => {
    const path = here.addPaper("a.pdf");
    const copy = join(here.papers, "b.pdf");
    copyFileSync(path, copy);
    {
      await using processor = await open();
      const both = await collect(processor.processBatch([path, copy]));
      expect([...both.values()].map(({ status }) => status).sort()).toEqual([
        "already_processed",
        "newly_processed",
      ]);
    }
    await using processor = await open();
    const again = await processor.process(copy);
    expect(again).toMatchObject({ status: "already_processed", processingTimeMs: 0 });
    expect(again.chunks[0]?.text).toMatch(/This is the text of a\.pdf/);
    const forced = await processor.process(copy, { force: true });
    expect(forced.status).toBe("newly_processed");
    rmSync(forced.rawTextPath);
    expect((await processor.process(path)).status).toBe("newly_processed");
  });

  it("does not wait for company that cannot come", async () => {
    const first = here.addPaper("a.pdf");
    const copies = ["b", "c", "d", "e", "f"].map((name) => join(here.papers, `${name}.pdf`));
    for (const copy of copies) copyFileSync(first, copy);
    await using processor = await open();
    const all = [first, ...copies, here.addPaper("other.pdf")];
    const results = await collect(processor.processBatch(all));
    const statuses = [...results.values()].map(({ status }) => status);
    expect(statuses.filter((status) => status === "newly_processed")).toHaveLength(2);
    expect(statuses.filter((status) => status === "already_processed")).toHaveLength(5);
  });

  it("gives each document's result or failure, and stops for none", async () => {
    const paths = ["a", "b", "c"].map((name) => here.addPaper(`${name}.pdf`));
    writeFileSync(join(here.papers, "empty.pdf"), "");
    mkdirSync(join(here.papers, "folder.pdf"));
    const odd = ["empty.pdf", "folder.pdf", "gone.pdf", "notes.txt"];
    writeFileSync(join(here.papers, "notes.txt"), "no PDF");
    await using processor = await open();
    const results = await collect(
      processor.processBatch([...odd.map((name) => join(here.papers, name)), ...paths], {
        batchSize: 3,
      }),
    );
    const codes = odd.map((name) => {
      const result = results.get(name);
      return result?.status === "failed" ? result.error.code : result?.status;
    });
    expect(codes).toEqual(["PDF_EMPTY", "PDF_NOT_A_PDF", "UNREADABLE", "PDF_NOT_A_PDF"]);
    for (const name of ["a.pdf", "b.pdf", "c.pdf"])
      expect(results.get(name)?.status).toBe("newly_processed");
    expect(readdirSync(here.out).filter((name) => name.endsWith("_raw.md"))).toHaveLength(3);
  });

  it("knows in a later run what fails again, until asked to try or the content changes", async () => {
    const path = join(here.papers, "page.pdf");
    const failures = (): string[] =>
      readdirSync(here.out).filter((name) => name.endsWith("_failure.json"));
    const fate = async (
      options: { force?: boolean; retryFailed?: boolean } = {},
    ): Promise<FailedDocument["error"] | undefined> => {
      await using processor = await open();
      const results = await collect(processor.processBatch([path], options));
      const result = results.get("page.pdf");
      return result?.status === "failed" ? result.error : undefined;
    };
    writeFileSync(path, "<!doctype html><title>Sign in</title>");
    const first = await fate();
    expect(first?.code).toBe("PDF_NOT_A_PDF");
    expect(first?.since).toBeUndefined();
    expect(failures()).toHaveLength(1);
    const second = await fate();
    expect(second).toEqual({ ...first, since: expect.any(String) as string });
    expect(Date.parse(second?.since ?? "")).toBeLessThanOrEqual(Date.now());
    for (const again of [{ retryFailed: true }, { force: true }])
      expect(await fate(again)).toEqual(first);
    expect(failures()).toHaveLength(1);
    {
      await using processor = await open({ pageRange: "1" });
      await expect(processor.process(path)).rejects.not.toHaveProperty("since");
      await expect(processor.process(path)).rejects.toMatchObject({
        code: "PDF_NOT_A_PDF",
        since: expect.any(String) as string,
      });
    }
    here.addPaper("page.pdf", "A text after all.");
    expect(await fate()).toBeUndefined();
  });

  it("ends what is in work when the caller leaves the loop", async () => {
    const paths = Array.from({ length: 6 }, (_, index) => here.addPaper(`${index}.pdf`));
    await using processor = await open();
    for await (const result of processor.processBatch(paths)) {
      expect(result.status).toBe("newly_processed");
      break;
    }
    expect((await processor.process(paths[5] ?? "")).text).toMatch(/This is the text of 5\.pdf/);
  });

  it("reaches the six points, in order", async () => {
    const paths = ["a", "b"].map((name) => here.addPaper(`${name}.pdf`));
    writeFileSync(join(here.papers, "empty.pdf"), "");
    const reached: Checkpoint[] = [];
    await using processor = await open({
      onCheckpoint: (checkpoint) => void reached.push(checkpoint),
    });
    const all = [...paths, join(here.papers, "empty.pdf")];
    await collect(processor.processBatch(all, { batchSize: 2, concurrency: 1 }));
    expect(reached).toEqual([
      "before-engine",
      "before-document",
      "after-document",
      "between-documents",
      "before-document",
      "after-document",
      "between-batches",
      "before-document",
      "after-error",
    ]);
  });
}

describe("a processor with the embedded engine", () => behaves(() => ({})));

describe.skipIf(!python)(
  python
    ? "a processor with Marker"
    : "a processor with Marker (skipped, because there is no python3 with venv)",
  () => {
    const marker = useMarker();
    describe("for each document", () => behaves(() => ({ engine: "marker", marker: marker.bin })));
    describe("in batches", () =>
      behaves(() => ({ engine: "marker", marker: marker.bin, batch: 4 })));
  },
);

it("a wrong option is refused before anything is made", async () => {
  await expect(DocumentProcessor.open({ out: here.out, pageRange: "x" })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  await expect(
    DocumentProcessor.open({ out: here.out, chunks: { size: 1 } }),
  ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(readdirSync(here.folder)).toEqual(["papers"]);
});
