import { median } from "../columns/gutter.ts";
import type { Line, Region } from "../model.ts";

/** What is usual in a document, against which its headings and paragraphs stand out. */
export interface DocumentStats {
  /** The type size most characters have, in points. */
  readonly bodySize: number;
  /** The usual distance between lines of this size, in points. */
  leading(size: number): number;
}

export function measureDocument(regions: Iterable<Region>): DocumentStats {
  const characters = new Map<number, number>();
  const distances = new Map<number, number[]>();
  for (const region of regions) {
    let previous: Line | undefined;
    for (const line of region.lines) {
      const size = roundSize(line.size);
      characters.set(size, (characters.get(size) ?? 0) + line.text.length);
      if (previous !== undefined && roundSize(previous.size) === size)
        addDistance(distances, size, line.baseline - previous.baseline);
      previous = line;
    }
  }
  let bodySize = 10;
  let most = 0;
  for (const [size, count] of characters) {
    if (count > most) [bodySize, most] = [size, count];
  }
  const usual = new Map([...distances].map(([size, values]) => [size, median(values)]));
  const ratio = (usual.get(bodySize) ?? 1.2 * bodySize) / bodySize;
  return {
    bodySize,
    leading: (size) => {
      const known = usual.get(roundSize(size));
      // Few lines of a size give a poor median; the body's spacing is the better guess then.
      const enough = (distances.get(roundSize(size))?.length ?? 0) >= 3;
      return known !== undefined && enough ? known : Math.max(1.1, Math.min(ratio, 1.5)) * size;
    },
  };
}

/** Sizes that differ by less than a quarter point look the same. */
export function roundSize(size: number): number {
  return Math.round(size * 2) / 2;
}

function addDistance(distances: Map<number, number[]>, size: number, distance: number): void {
  // Further apart than this is a paragraph or figure between, not a line's usual distance.
  if (distance <= 0 || distance > 2.6 * size) return;
  const list = distances.get(size);
  if (list === undefined) distances.set(size, [distance]);
  else list.push(distance);
}
