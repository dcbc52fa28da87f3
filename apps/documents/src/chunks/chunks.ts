import { CofferdamError } from "cofferdam";
import { countCharacters, toUnits, type Unit } from "./units.ts";

/** A piece of a document, for a search index. All sizes and positions are characters. */
export interface Chunk {
  /** `<document_id>_chunk_<n>`. */
  readonly id: string;
  readonly text: string;
  readonly chunk_index: number;
  readonly chunk_type: "heading_section" | "code_block" | "table" | "text";
  /** The page on which its text begins, counted from 1 in the document. */
  readonly page_number: number;
  readonly block_type: "Text";
  /** Sentences, paragraphs, headings, tables and blocks of code in it. */
  readonly semantic_units: number;
  readonly has_structural_elements: boolean;
  readonly source_info: {
    readonly document_id: string;
    readonly document_name: string;
    readonly page_number: number;
    /** The page on which its text ends. */
    readonly end_page_number: number;
    readonly block_index: number;
    readonly block_type: "text";
    readonly chunk_type: Chunk["chunk_type"];
    /** In the text of all units, one after the other. */
    readonly start_position: number;
    readonly end_position: number;
  };
}

/** Sizes in characters, not in tokens. */
export interface ChunkOptions {
  /** A chunk takes up no more units when it would grow beyond this. Default 1000. */
  readonly size?: number;
  /** As many whole units as fit in this are said again in the next chunk. Default 200. */
  readonly overlap?: number;
}

export const defaultChunks = { size: 1000, overlap: 200 } as const;
/** A shorter one without a heading, table or code joins the one before it, where there is room. */
const sizeMin = 50;

export interface ChunkedDocument {
  readonly id: string;
  readonly name: string;
}

/** The chunks of a text with page markers. Throws `INVALID_ARGUMENT` for sizes that make no sense. */
export function toChunks(
  marked: string,
  document: ChunkedDocument,
  options: ChunkOptions = {},
): Chunk[] {
  const { size, overlap } = checkSizes(options);
  const packs = mergeSmall(pack(place(toUnits(marked, size)), size, overlap), size);
  return packs.map((units, index) => toChunk(units, index, document));
}

/** Throws `INVALID_ARGUMENT`. */
export function checkSizes(options: ChunkOptions): Required<ChunkOptions> {
  const { size = defaultChunks.size, overlap = defaultChunks.overlap } = options;
  if (!Number.isSafeInteger(size) || size < sizeMin)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the size of chunks must be a whole number of characters, ${sizeMin} or more, not ${size}`,
    );
  if (!Number.isSafeInteger(overlap) || overlap < 0 || overlap >= size)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the overlap of chunks must be a whole number of characters, less than their size of ${size}, not ${overlap}`,
    );
  return { size, overlap };
}

interface Placed extends Unit {
  readonly from: number;
  readonly to: number;
}

function place(units: readonly Unit[]): Placed[] {
  let from = 0;
  return units.map((unit) => {
    const placed = { ...unit, from, to: from + unit.size };
    from = placed.to + unit.separator.length;
    return placed;
  });
}

function pack(units: readonly Placed[], size: number, overlap: number): Placed[][] {
  const packs: Placed[][] = [];
  let current: Placed[] = [];
  let fresh = 0;
  for (const unit of units) {
    if (fresh > 0 && sizeOf([...current, unit]) > size) {
      packs.push(current);
      // What is said again must leave room for the unit, or it would be said for nothing.
      current = tail(current, Math.min(overlap, size - unit.size));
      fresh = 0;
    }
    current.push(unit);
    fresh += 1;
  }
  if (fresh > 0) packs.push(current);
  return packs;
}

/** The last units, as many as fit. */
function tail(units: readonly Placed[], size: number): Placed[] {
  let start = units.length;
  while (start > 0 && sizeOf(units.slice(start - 1)) < size) start -= 1;
  return units.slice(start);
}

function mergeSmall(packs: readonly Placed[][], size: number): Placed[][] {
  const merged: Placed[][] = [];
  for (const units of packs) {
    const before = merged.at(-1);
    const last = before?.at(-1);
    const fresh = last ? units.filter((unit) => unit.from > last.from) : units;
    const isSmall = sizeOf(fresh) < sizeMin && !fresh.some(isStructural);
    if (before && isSmall && sizeOf([...before, ...fresh]) <= size) before.push(...fresh);
    else merged.push([...units]);
  }
  return merged;
}

function sizeOf(units: readonly Placed[]): number {
  const first = units[0];
  const last = units.at(-1);
  return first && last ? last.to - first.from : 0;
}

function isStructural({ type }: Unit): boolean {
  return type === "heading" || type === "code" || type === "table";
}

function toChunk(units: readonly Placed[], index: number, document: ChunkedDocument): Chunk {
  const text = joinUnits(units);
  const types = new Set(units.map(({ type }) => type));
  const chunk_type = types.has("heading")
    ? "heading_section"
    : types.has("code")
      ? "code_block"
      : types.has("table")
        ? "table"
        : "text";
  const page_number = units[0]?.page ?? 1;
  const start_position = units[0]?.from ?? 0;
  return {
    id: `${document.id}_chunk_${index}`,
    text,
    chunk_index: index,
    chunk_type,
    page_number,
    block_type: "Text",
    semantic_units: units.length,
    has_structural_elements: units.some(isStructural),
    source_info: {
      document_id: document.id,
      document_name: document.name,
      page_number,
      end_page_number: units.at(-1)?.page ?? page_number,
      block_index: index,
      block_type: "text",
      chunk_type,
      start_position,
      end_position: start_position + countCharacters(text),
    },
  };
}

function joinUnits(units: readonly Unit[]): string {
  return units.map((unit, index) => unit.text + (units[index + 1] ? unit.separator : "")).join("");
}
