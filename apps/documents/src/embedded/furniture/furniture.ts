import { greatest } from "../extremes.ts";
import type { Segment } from "../model.ts";
import { toLines } from "../lines/lines.ts";

/** A page's segments with the page's extent. */
export interface PageSegments {
  readonly page: number;
  readonly top: number;
  readonly bottom: number;
  readonly segments: readonly Segment[];
}

interface EdgeRow {
  readonly page: number;
  readonly segments: readonly Segment[];
  readonly edge: "head" | "foot";
  /** Distance from the page's edge, to compare pages. */
  readonly distance: number;
  /** Its text with every number replaced, so that "Page 3" and "Page 4" are the same. */
  readonly pattern: string;
  /** Whether it stands off from the text: the next row is further than lines usually are. */
  readonly apart: boolean;
  /** Whether it is set no larger than the line next to it: a heading is larger. */
  readonly small: boolean;
  /** Whether nothing stands nearer to the edge. */
  readonly outermost: boolean;
}

/** Running heads and feet stand in this part of the page at either edge … */
const EDGE_PART = 0.14;
/** … and are among this many rows closest to it. */
const EDGE_ROWS = 3;
/** Rows on different pages stand at the same place when they are this close, in points. */
const SAME_PLACE = 4;
/** A place that holds known furniture on this part of all pages holds nothing else. */
const SLOT_PART = 0.4;

/**
 * Drops running heads, feet and page numbers: rows at a page's edge that come back, numbers aside,
 * on other pages at the same place, and what stands at such a place on the remaining pages.
 */
export function dropFurniture(pages: readonly PageSegments[]): PageSegments[] {
  const rows = pages.flatMap(edgeRows);
  const needed = pages.length <= 4 ? 2 : 3;
  const dropped = new Set<Segment>();
  const slots = new Map<string, number>();
  for (const group of groupBy(rows, (row) => `${row.edge} ${row.pattern}`)) {
    for (const place of samePlace(group)) {
      const standsOff = place.filter((row) => row.apart || isPageNumber(row.pattern)).length;
      if (new Set(place.map((row) => row.page)).size < needed) continue;
      if (standsOff * 2 < place.length || !followsPages(place)) continue;
      for (const row of place) {
        for (const segment of row.segments) dropped.add(segment);
        const slot = slotOf(row);
        slots.set(slot, (slots.get(slot) ?? 0) + 1);
      }
    }
  }
  for (const row of rows) {
    if ((slots.get(slotOf(row)) ?? 0) >= Math.max(3, SLOT_PART * pages.length) && row.apart) {
      for (const segment of row.segments) dropped.add(segment);
    }
  }
  const opening = largestText(pages[0]?.segments ?? []);
  for (const row of rows) {
    if (isLoneNumber(row) || isRunningTitle(row, opening))
      for (const segment of row.segments) dropped.add(segment);
  }
  return pages.map((page) => ({
    ...page,
    segments: page.segments.filter((segment) => !dropped.has(segment)),
  }));
}

function edgeRows(page: PageSegments): EdgeRow[] {
  const depth = (page.bottom - page.top) * EDGE_PART;
  const near = toLines(page.segments);
  const rows: EdgeRow[] = [];
  for (const [index, line] of near.entries()) {
    const fromEnd = near.length - 1 - index;
    const size = line.size;
    const common = { page: page.page, segments: line.cells, pattern: patternOf(line.text) };
    if (index < EDGE_ROWS && line.baseline - page.top < depth) {
      const next = near[index + 1];
      const gap = (next?.baseline ?? Infinity) - line.baseline;
      rows.push({
        ...common,
        edge: "head",
        distance: line.baseline - page.top,
        apart: gap > 1.45 * size,
        small: size <= (next?.size ?? 0) && !line.bold,
        outermost: index === 0,
      });
    } else if (fromEnd < EDGE_ROWS && page.bottom - line.baseline < depth) {
      const gap = line.baseline - (near[index - 1]?.baseline ?? -Infinity);
      rows.push({
        ...common,
        edge: "foot",
        distance: page.bottom - line.baseline,
        apart: gap > 1.45 * size,
        small: true,
        outermost: fromEnd === 0,
      });
    }
  }
  return rows;
}

/** Digits and lone roman numerals become `#`. */
export function patternOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/\d+/gu, "#")
    .replace(/(?:^|(?<=\s))[ivxlc]+(?=$|\s)/gu, "#")
    .replace(/\s+/gu, " ")
    .trim();
}

function isPageNumber(pattern: string): boolean {
  return /^(?:page |seite |- ?|– ?)?#(?: ?(?:of|\/|von) ?#)?(?: ?[-–])?$/u.test(pattern);
}

/**
 * Whether the rows are alike but for a number that goes with the page's. "Chapter 1", "Chapter 2"
 * at the top of a page are alike too, and they are headings.
 */
function followsPages(rows: readonly EdgeRow[]): boolean {
  const texts = new Map<string, number>();
  const offsets = new Map<number, number>();
  for (const row of rows) {
    const text = plainText(row.segments);
    texts.set(text, (texts.get(text) ?? 0) + 1);
    const numbers = new Set((text.match(/\d+/gu) ?? []).map((digits) => Number(digits) - row.page));
    for (const offset of numbers) offsets.set(offset, (offsets.get(offset) ?? 0) + 1);
    // A page's number in roman letters is taken on trust.
    if (numbers.size === 0 && row.pattern.includes("#")) return true;
  }
  return Math.max(greatest(texts.values()), greatest(offsets.values())) >= 0.6 * rows.length;
}

/** A page's own number at its foot needs no second page to be known for what it is. */
function isLoneNumber(row: EdgeRow): boolean {
  return (
    row.edge === "foot" &&
    row.apart &&
    isPageNumber(row.pattern) &&
    plainText(row.segments).includes(String(row.page))
  );
}

/**
 * A head that stands on one page only, as in a paper of two pages: it repeats words of the
 * title, or has the page's number at one end.
 */
function isRunningTitle(row: EdgeRow, opening: string): boolean {
  if (row.edge !== "head" || row.page < 2 || !row.apart || !row.outermost) return false;
  const text = plainText(row.segments);
  const numbered = text.startsWith(`${row.page} `) || text.endsWith(` ${row.page}`);
  const words = text.replace(/^\d+ | \d+$/gu, "");
  return words.length >= 8 && (opening.includes(words) || (numbered && row.small));
}

/** A first page's largest type is its title. */
function largestText(segments: readonly Segment[]): string {
  const largest = segments.reduce((most, segment) => Math.max(most, segment.size), 0);
  return plainText(segments.filter((segment) => segment.size >= 0.95 * largest));
}

function plainText(segments: readonly Segment[]): string {
  return segments
    .map((segment) => segment.text)
    .join(" ")
    .toLowerCase();
}

function slotOf(row: EdgeRow): string {
  return `${row.edge} ${Math.round(row.distance / SAME_PLACE)}`;
}

function groupBy(rows: readonly EdgeRow[], key: (row: EdgeRow) => string): EdgeRow[][] {
  const groups = new Map<string, EdgeRow[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group === undefined) groups.set(key(row), [row]);
    else group.push(row);
  }
  return [...groups.values()];
}

/** Parts a group by distance from the edge: a chapter's title is not its running head. */
function samePlace(group: readonly EdgeRow[]): EdgeRow[][] {
  const places: EdgeRow[][] = [];
  for (const row of [...group].sort((a, b) => a.distance - b.distance)) {
    const place = places.at(-1);
    const last = place?.at(-1);
    if (place !== undefined && last !== undefined && row.distance - last.distance <= SAME_PLACE)
      place.push(row);
    else places.push([row]);
  }
  return places;
}
