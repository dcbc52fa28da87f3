import type { Block, TextBlock } from "../model.ts";
import { SCRIPT } from "../model.ts";

/** Notes are set smaller than this part of the body's size. */
const NOTE_SIZE = 0.94;
const NOTE = new RegExp(
  `^(?:${SCRIPT.supOpen}([^${SCRIPT.supClose}]{1,3})${SCRIPT.supClose}|(\\d{1,3}|[*†‡§¶]))[.)]?\\s*(?=\\S)`,
  "u",
);

/** A footnote's sign and the place in the text where the note itself starts. */
export interface NoteStart {
  readonly label: string;
  readonly length: number;
}

export function readNoteStart(text: string): NoteStart | undefined {
  const match = NOTE.exec(text);
  if (match === null) return undefined;
  return { label: (match[1] ?? match[2] ?? "").trim(), length: match[0].length };
}

/** Finds the footnotes: small text with a sign, at the end of its region. */
export function findFootnotes(blocks: readonly Block[], bodySize: number): ReadonlySet<TextBlock> {
  const notes = new Set<TextBlock>();
  let below = -1;
  for (let index = blocks.length - 1; index >= 0; index -= 1) {
    const block = blocks[index];
    if (block?.kind !== "text") continue;
    const atEnd = block.closes || block.region === below;
    if (
      !atEnd ||
      block.size > NOTE_SIZE * bodySize ||
      readNoteStart(block.lines[0]?.text ?? "") === undefined
    )
      continue;
    notes.add(block);
    below = block.region;
  }
  return notes;
}
