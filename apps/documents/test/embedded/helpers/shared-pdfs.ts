import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Real PDFs, sound and broken, kept beside the repository and not in it. */
const FOLDER = join(import.meta.dirname, "../../../../../../shared/data/pdfs");

export function sharedPdfNames(): string[] {
  return existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith(".pdf")) : [];
}

export function hasSharedPdf(name: string): boolean {
  return existsSync(join(FOLDER, name));
}

export function readSharedPdf(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(FOLDER, name)));
}
