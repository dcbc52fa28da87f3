import { isCaption } from "./continuation.ts";
import { sectionDepth } from "../blocks/markers.ts";
import type { DocumentStats } from "../blocks/stats.ts";
import { roundSize } from "../blocks/stats.ts";
import type { Block, TextBlock } from "../model.ts";

/** A heading is at least this much larger than the body, or set apart by its weight. */
const LARGER = 1.12;
const TITLE_LARGER = 1.2;
const MAX_CHARACTERS = 220;
const MAX_LINES = 5;
const MAX_LEVEL = 6;
const MANY_STYLES = 5;
const KNOWN =
  /^(?:abstract|summary|introduction|contents|table of contents|preface|foreword|references|bibliography|acknowledge?ments?|appendix|conclusions?)\b/iu;

/** Finds the headings and their levels, 1 to 6. */
export function findHeadings(
  blocks: readonly Block[],
  stats: DocumentStats,
): ReadonlyMap<TextBlock, number> {
  const texts = blocks.filter((block) => block.kind === "text");
  const boldBody = isMostlyBold(texts, stats.bodySize);
  const candidates = texts.filter((block) => isCandidate(block, stats.bodySize, boldBody));
  const title = findTitle(texts, candidates, stats.bodySize);
  const headings = dropFrontMatter(texts, candidates, title, stats.bodySize);
  return assignLevels(headings, title);
}

function isMostlyBold(texts: readonly TextBlock[], bodySize: number): boolean {
  let bold = 0;
  let all = 0;
  for (const block of texts) {
    if (roundSize(block.size) !== bodySize) continue;
    const length = block.lines.reduce((sum, line) => sum + line.text.length, 0);
    all += length;
    if (block.bold) bold += length;
  }
  return bold * 2 > all;
}

function isCandidate(block: TextBlock, bodySize: number, boldBody: boolean): boolean {
  const text = blockText(block);
  if (text.length > MAX_CHARACTERS || block.lines.length > MAX_LINES) return false;
  if (block.mono && !block.bold && block.size < TITLE_LARGER * bodySize) return false;
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  // Chart labels and formulas set large have few letters among their signs.
  if (letters < 2 || letters < 0.4 * text.replace(/\s/gu, "").length || isCaption(text))
    return false;
  if (block.marker?.kind === "bullet") return false;
  if (/[,;]$|\.{4,}|(?:\. ){4,}/u.test(text)) return false;
  if (block.size >= LARGER * bodySize) return true;
  if (block.size < 0.95 * bodySize || block.lines.length > 3) return false;
  const numbered = sectionDepth(text) !== undefined;
  const sentence = /[.!?…]$/u.test(text) && (text.length > 40 || !numbered);
  if (block.bold && !boldBody) return !sentence && !(text.length > 60 && text.endsWith(":"));
  return block.italic && numbered && block.lines.length === 1 && !sentence;
}

function blockText(block: TextBlock): string {
  return block.lines.map((line) => line.text).join(" ");
}

/** The largest text of the first page that has any, if it stands out. */
function findTitle(
  texts: readonly TextBlock[],
  candidates: readonly TextBlock[],
  bodySize: number,
): TextBlock | undefined {
  const page = texts[0]?.page;
  let title: TextBlock | undefined;
  for (const block of candidates) {
    if (block.page !== page) break;
    if (block.size >= TITLE_LARGER * bodySize && block.size > (title?.size ?? 0) * 1.02)
      title = block;
  }
  return title;
}

/**
 * Between title and text stand authors, places and dates, often in larger or bolder type. Such a
 * line is a heading only if it is numbered, has a heading's name, or looks like a later heading.
 */
function dropFrontMatter(
  texts: readonly TextBlock[],
  candidates: readonly TextBlock[],
  title: TextBlock | undefined,
  bodySize: number,
): TextBlock[] {
  if (title === undefined) return [...candidates];
  const titleAt = texts.indexOf(title);
  const candidateSet = new Set(candidates);
  let textAt = texts.findIndex(
    (block, index) =>
      index > titleAt &&
      !candidateSet.has(block) &&
      block.lines.length > 1 &&
      blockText(block).length > 150,
  );
  if (textAt < 0) textAt = texts.length;
  const position = new Map(texts.map((block, index) => [block, index]));
  const named = candidates.find(
    (block) =>
      (position.get(block) ?? 0) > titleAt &&
      (KNOWN.test(blockText(block)) || sectionDepth(blockText(block)) !== undefined),
  );
  const frontEnd = Math.min(
    textAt,
    named === undefined ? Infinity : (position.get(named) ?? Infinity),
  );
  const later = new Set(
    candidates.filter((block) => (position.get(block) ?? 0) >= frontEnd).map(styleOf),
  );
  return candidates.filter((block) => {
    const at = position.get(block) ?? 0;
    if (block === title || at >= frontEnd) return true;
    if (at < titleAt) return block.size >= title.size;
    const leadsText = at + 1 === textAt && block.bold && block.size >= LARGER * bodySize;
    return later.has(styleOf(block)) || leadsText;
  });
}

/** Headings that look alike are of one level. */
function styleOf(block: TextBlock): string {
  return `${roundSize(block.size).toFixed(1)} ${block.bold ? "bold" : "plain"} ${block.italic ? "italic" : "upright"}`;
}

function assignLevels(
  headings: readonly TextBlock[],
  title: TextBlock | undefined,
): ReadonlyMap<TextBlock, number> {
  const ranks = rankStyles(headings, title);
  const depths = headings.map((block) =>
    block === title ? undefined : sectionDepth(blockText(block)),
  );
  const base = baseLevel(headings, depths, ranks);
  const levels = new Map<TextBlock, number>();
  for (const [index, block] of headings.entries()) {
    const depth = depths[index];
    const rank = ranks.get(styleOf(block)) ?? 1;
    const level =
      block === title ? 1 : depth !== undefined && base !== undefined ? base + depth - 1 : rank;
    levels.set(block, Math.min(MAX_LEVEL, level));
  }
  return levels;
}

function rankStyles(
  headings: readonly TextBlock[],
  title: TextBlock | undefined,
): ReadonlyMap<string, number> {
  const styles = new Map<string, TextBlock>();
  for (const block of headings) if (!styles.has(styleOf(block))) styles.set(styleOf(block), block);
  const ordered = [...styles.values()].sort(
    (a, b) =>
      roundSize(b.size) - roundSize(a.size) ||
      Number(b.bold) - Number(a.bold) ||
      Number(a.italic) - Number(b.italic),
  );
  const counts = new Map<string, number>();
  for (const block of headings) counts.set(styleOf(block), (counts.get(styleOf(block)) ?? 0) + 1);
  const ranks = new Map<string, number>();
  let rank = 0;
  for (const block of ordered) {
    // A cover sets every line in another size. Where there are many looks, one that is used once
    // is not a level of its own; and what is larger than the title does not push it down.
    const once =
      counts.get(styleOf(block)) === 1 && block !== title && ordered.length > MANY_STYLES;
    const banner = title !== undefined && block.size > title.size && rank > 0;
    if (!once && !banner) rank += 1;
    ranks.set(styleOf(block), once ? rank + 1 : rank);
  }
  return ranks;
}

/** The level of a heading numbered "1", if numbering can be trusted to tell levels. */
function baseLevel(
  headings: readonly TextBlock[],
  depths: readonly (number | undefined)[],
  ranks: ReadonlyMap<string, number>,
): number | undefined {
  const votes = new Map<number, number>();
  for (const [index, block] of headings.entries()) {
    if (depths[index] !== 1) continue;
    const rank = ranks.get(styleOf(block)) ?? 1;
    votes.set(rank, (votes.get(rank) ?? 0) + 1);
  }
  let best: number | undefined;
  for (const [rank, count] of votes)
    if (best === undefined || count > (votes.get(best) ?? 0)) best = rank;
  return (votes.get(best ?? 0) ?? 0) >= 2 ? best : undefined;
}
