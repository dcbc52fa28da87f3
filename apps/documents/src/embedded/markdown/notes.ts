import type { Element } from "../model.ts";
import { SCRIPT } from "../model.ts";

/** An element with what is needed to render its footnote signs. */
export interface Noted {
  readonly element: Element;
  /** Renders a raised sign as a reference if a note of that sign exists. */
  readonly refer: (label: string) => string | undefined;
  /** A footnote's own identifier. */
  readonly id?: string;
}

type Footnote = Extract<Element, { kind: "footnote" }>;

interface Note {
  readonly element: Footnote;
  readonly id: string;
  used: boolean;
}

const RAISED = new RegExp(`${SCRIPT.supOpen}([^${SCRIPT.supClose}]*)${SCRIPT.supClose}`, "gu");
const SYMBOLS: Readonly<Record<string, string>> = {
  "*": "star",
  "†": "dagger",
  "‡": "ddagger",
  "§": "section",
  "¶": "para",
};

/**
 * Moves every footnote behind the paragraph that refers to it. Identifiers are the printed signs;
 * where a sign comes back on a later page, the page makes it unique.
 */
export function placeNotes(elements: readonly Element[]): Noted[] {
  const notes = collectNotes(elements);
  const noted: Noted[] = [];
  for (const element of elements) {
    if (element.kind === "footnote") {
      const note = notes.get(element.page)?.find((candidate) => candidate.element === element);
      if (note !== undefined && !note.used) noted.push(toNoted(note));
      if (note !== undefined) note.used = true;
      continue;
    }
    const referred: Note[] = [];
    // A paragraph that went on over a page break has the notes of both pages.
    const near = [...(notes.get(element.page) ?? []), ...(notes.get(element.page + 1) ?? [])];
    const refer = (label: string): string | undefined => {
      const note = near.find((candidate) => candidate.element.label === label.trim());
      return note === undefined ? undefined : `[^${note.id}]`;
    };
    if ("text" in element) {
      for (const [, label = ""] of element.text.matchAll(RAISED)) {
        const note = near.find(
          (candidate) => candidate.element.label === label.trim() && !candidate.used,
        );
        if (note === undefined) continue;
        note.used = true;
        referred.push(note);
      }
    }
    noted.push({ element, refer }, ...referred.map(toNoted));
  }
  return noted;
}

function toNoted(note: Note): Noted {
  return { element: note.element, refer: () => undefined, id: note.id };
}

function collectNotes(elements: readonly Element[]): Map<number, Note[]> {
  const notes = new Map<number, Note[]>();
  const ids = new Set<string>();
  for (const element of elements) {
    if (element.kind !== "footnote") continue;
    const plain = SYMBOLS[element.label] ?? element.label;
    let id = ids.has(plain) ? `${plain}-p${element.page}` : plain;
    while (ids.has(id)) id += "x";
    ids.add(id);
    const list = notes.get(element.page) ?? [];
    list.push({ element, id, used: false });
    notes.set(element.page, list);
  }
  return notes;
}
