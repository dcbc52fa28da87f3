import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Real PDFs that are not in the repository; null where they are missing. */
export function findSharedPdfs(): string | null {
  const path = fileURLToPath(new URL("../../../../../shared/data/pdfs", import.meta.url));
  return existsSync(path) ? path : null;
}
