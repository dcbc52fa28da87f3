import type { Face } from "../model.ts";
import type { PdfPage } from "./open.ts";

const PLAIN: Face = { bold: false, italic: false, mono: false };

/** Names differ by foundry: "Bold", "Medi" (URW Nimbus), "CMBX" (Computer Modern bold extended). */
const BOLD = /bold|black|heavy|demi|medi(?!um)|\bcmbx|\bcmb\d|sfbx|ssbx|-bd|semibd/iu;
const ITALIC = /ital|obli|slant|\bcmti|\bcmsl|-it\b/iu;
const MONO = /mono|courier|consol|\bcmtt|\bcmsltt|sftt|menlo|inconsolata|code\b|fixed/iu;

interface LoadedFont {
  readonly name?: unknown;
  readonly bold?: unknown;
  readonly black?: unknown;
  readonly italic?: unknown;
}

/**
 * The faces behind the library's font ids.
 *
 * Text content does not say how a font is called; only a page's operator list does. It is asked
 * for only on pages that bring a font not seen before, which in most documents are the first few.
 */
export class Faces {
  readonly #known = new Map<string, Face>();

  async learn(page: PdfPage, ids: readonly string[]): Promise<void> {
    const unknown = ids.filter((id) => !this.#known.has(id));
    if (unknown.length === 0) return;
    try {
      await page.getOperatorList();
    } catch {
      // A page whose drawing is broken still has its text; its fonts then count as plain.
    }
    for (const id of unknown) this.#known.set(id, faceOf(page, id));
  }

  get(id: string): Face {
    return this.#known.get(id) ?? PLAIN;
  }
}

function faceOf(page: PdfPage, id: string): Face {
  if (!page.commonObjs.has(id)) return PLAIN;
  const font = page.commonObjs.get(id) as LoadedFont | null;
  if (font === null) return PLAIN;
  return faceFromName(
    typeof font.name === "string" ? font.name : "",
    font.bold === true || font.black === true,
    font.italic === true,
  );
}

/** `name` is a PostScript name, possibly with a subset prefix ("ABCDEF+Times-Bold"). */
export function faceFromName(name: string, bold = false, italic = false): Face {
  const bare = name.replace(/^[A-Z]{6}\+/u, "");
  return {
    bold: bold || BOLD.test(bare),
    italic: italic || ITALIC.test(bare),
    mono: MONO.test(bare),
  };
}
