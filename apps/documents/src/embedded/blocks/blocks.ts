import type { Block, Line, Region, TextBlock } from "../model.ts";
import { startsBlock } from "./breaks.ts";
import type { DocumentStats } from "./stats.ts";
import { readMarker } from "./markers.ts";
import { findTables } from "./tables.ts";

/** Parts a region's lines into paragraphs, list items, heading lines and tables. */
export function toBlocks(region: Region, stats: DocumentStats): Block[] {
  const tables = findTables(region.lines);
  const blocks: Block[] = [];
  let from = 0;
  for (const table of tables) {
    blocks.push(...textBlocks(region, region.lines.slice(from, table.from), stats));
    blocks.push({ kind: "table", page: region.page, region: region.index, rows: table.rows });
    from = table.to;
  }
  blocks.push(...textBlocks(region, region.lines.slice(from), stats));
  return blocks;
}

function textBlocks(region: Region, lines: readonly Line[], stats: DocumentStats): TextBlock[] {
  const groups: Line[][] = [];
  let block: Line[] = [];
  for (const [index, line] of lines.entries()) {
    const context = {
      lines,
      block,
      index,
      left: region.left,
      right: region.right,
      leading: stats.leading(line.size),
      bodySize: stats.bodySize,
    };
    if (block.length > 0 && startsBlock(context)) {
      groups.push(block);
      block = [];
    }
    block.push(line);
  }
  if (block.length > 0) groups.push(block);
  return groups.map((group, index) => toTextBlock(group, groups[index - 1], region, stats));
}

function toTextBlock(
  lines: readonly Line[],
  before: readonly Line[] | undefined,
  region: Region,
  stats: DocumentStats,
): TextBlock {
  const first = lines[0];
  const size = first?.size ?? 0;
  const previous = before?.at(-1);
  const distance =
    first === undefined || previous === undefined ? Infinity : first.baseline - previous.baseline;
  return {
    kind: "text",
    page: region.page,
    region: region.index,
    lines,
    size,
    bold: lines.every((line) => line.bold),
    italic: lines.every((line) => line.italic),
    mono: lines.every((line) => line.mono),
    marker: readMarker(first?.text ?? ""),
    closes: lines.at(-1) === region.lines.at(-1),
    above: distance / Math.max(stats.leading(size), 1),
    regionLeft: region.left,
    regionRight: region.right,
  };
}
