import type { Block, TextBlock } from "../model.ts";

const MAX_DEPTH = 5;

/** How deep list items are nested, from how far in their markers stand within one list. */
export function itemDepths(blocks: readonly Block[]): ReadonlyMap<TextBlock, number> {
  const depths = new Map<TextBlock, number>();
  let indents: number[] = [];
  let region = -1;
  for (const block of blocks) {
    if (block.kind === "table" || block.marker === undefined) {
      // A paragraph inside an item leaves the list as it is; one at the left edge ends it.
      const x = block.kind === "text" ? (block.lines[0]?.x ?? 0) : 0;
      if (indents[0] === undefined || x <= indents[0] + 1) indents = [];
      continue;
    }
    const first = block.lines[0];
    if (first === undefined) continue;
    // Another column has other indents; its first item counts as outermost.
    if (block.region !== region) indents = [];
    region = block.region;
    while (indents.length > 0 && first.x < (indents.at(-1) ?? 0) - 0.4 * first.size) indents.pop();
    if (indents.length === 0 || first.x > (indents.at(-1) ?? 0) + 0.8 * first.size)
      indents.push(first.x);
    depths.set(block, Math.min(indents.length - 1, MAX_DEPTH));
  }
  return depths;
}
