import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePdf } from "../../apps/documents/test/support/pdf.ts";

/** `poisoned`: whoever converts it is ended by SIGSEGV. */
export type Kind = "sound" | "no-pdf" | "poisoned";

/** So many papers, each with a text of its own. */
export function writeDocuments(
  folder: string,
  count: number,
  kindOf: (index: number) => Kind = () => "sound",
): string[] {
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: count }, (_, index) => {
    const path = join(folder, `paper-${String(index).padStart(4, "0")}.pdf`);
    writeFileSync(path, contentOf(index, kindOf(index)));
    return path;
  });
}

function contentOf(index: number, kind: Kind): Buffer | string {
  const text = `Paper ${index} has a page, and on it this sentence.`;
  if (kind === "no-pdf") return text;
  return makePdf([kind === "poisoned" ? `${text}\nstand-in: segfault` : text]);
}
