import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { DocumentError } from "./embedded/errors.ts";

/** A regular file whose name says that it is a PDF. */
export async function checkFile(path: string): Promise<void> {
  const status = await stat(path);
  if (!status.isFile())
    throw new DocumentError("PDF_NOT_A_PDF", { message: "It is not a file; give the PDF itself." });
  if (extname(path).toLowerCase() !== ".pdf")
    throw new DocumentError("PDF_NOT_A_PDF", {
      message: "Its name does not end in .pdf; rename it, if it is a PDF.",
    });
}
