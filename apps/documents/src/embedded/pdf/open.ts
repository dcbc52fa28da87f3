import { getResolvedPDFJS } from "unpdf";
import { DocumentError } from "../errors.ts";
import { UnicodeCMapFactory } from "./unicode-cmaps.ts";

type Library = Awaited<ReturnType<typeof getResolvedPDFJS>>;
export type LoadingTask = ReturnType<Library["getDocument"]>;
export type PdfDocument = Awaited<LoadingTask["promise"]>;
export type PdfPage = Awaited<ReturnType<PdfDocument["getPage"]>>;

/** An open document; disposing of it frees everything the library holds for it. */
export interface OpenPdf extends AsyncDisposable {
  readonly document: PdfDocument;
}

/** A PDF may start with other bytes; viewers look this far for its header. */
const HEADER_WITHIN_BYTES = 1024;

/**
 * Opens a PDF. Rejects with PDF_EMPTY, PDF_NOT_A_PDF, PDF_ENCRYPTED or PDF_DAMAGED.
 */
export async function openPdf(pdf: Uint8Array): Promise<OpenPdf> {
  if (pdf.length === 0) throw new DocumentError("PDF_EMPTY");
  const library = await getResolvedPDFJS();
  const task = library.getDocument({
    // The library takes the buffer over (it is transferred), and the caller's must stay whole.
    data: pdf.slice(),
    verbosity: library.VerbosityLevel.ERRORS,
    // Text alone is read: no font is drawn and no picture decoded, whatever size it claims.
    disableFontFace: true,
    useSystemFonts: false,
    maxImageSize: 0,
    useWasm: false,
    cMapUrl: "cmaps/",
    cMapPacked: false,
    standardFontDataUrl: "fonts/",
    useWorkerFetch: false,
    BinaryDataFactory: UnicodeCMapFactory,
  });
  try {
    const document = await task.promise;
    if (document.numPages === 0) throw new DocumentError("PDF_DAMAGED");
    return { document, [Symbol.asyncDispose]: () => close(task) };
  } catch (error) {
    await close(task);
    throw openFailure(error, pdf);
  }
}

function openFailure(error: unknown, pdf: Uint8Array): DocumentError {
  if (error instanceof DocumentError) return error;
  const name = error instanceof Error ? error.name : "";
  if (name === "PasswordException") return new DocumentError("PDF_ENCRYPTED", { cause: error });
  const code = hasHeader(pdf) ? "PDF_DAMAGED" : "PDF_NOT_A_PDF";
  return new DocumentError(code, { cause: error });
}

function hasHeader(pdf: Uint8Array): boolean {
  return Buffer.from(
    pdf.buffer,
    pdf.byteOffset,
    Math.min(pdf.length, HEADER_WITHIN_BYTES),
  ).includes("%PDF-");
}

async function close(task: LoadingTask): Promise<void> {
  try {
    await task.destroy();
  } catch {
    // A document that broke while it was read may break again while it is closed: the process
    // that runs the engine is the real bound, and the caller already has its answer.
  }
}
