/** Every way a document can fail, with the sentence a person reads: what happened, what to do. */
const SENTENCES = {
  PDF_EMPTY: "The file is empty (0 bytes); copy or download it again.",
  PDF_NOT_A_PDF:
    "The file is not a PDF; convert it to PDF first, or check that the download is complete.",
  PDF_ENCRYPTED:
    "The PDF is locked with a password; save a copy without the password and convert that copy.",
  PDF_DAMAGED:
    "The PDF is damaged and none of its pages could be read; get a fresh copy, or re-save it with a PDF viewer.",
  PDF_NO_TEXT:
    "The PDF's pages hold no text, only pictures or nothing at all; run it through text recognition (OCR) first.",
  PAGE_RANGE:
    "The page range names pages that the document does not have; give pages that are there.",
} as const;

export type DocumentErrorCode = keyof typeof SENTENCES;

/** The closed list, for callers that tabulate outcomes. */
export const DOCUMENT_ERROR_CODES = Object.keys(SENTENCES) as readonly DocumentErrorCode[];

/** A document that cannot be converted. `message` is one sentence for a person, unless a better one is given. */
export class DocumentError extends Error {
  override readonly name = "DocumentError";
  readonly code: DocumentErrorCode;

  constructor(code: DocumentErrorCode, options: ErrorOptions & { message?: string } = {}) {
    super(options.message ?? SENTENCES[code], options);
    this.code = code;
  }
}
