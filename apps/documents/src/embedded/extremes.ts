/**
 * The smallest and the greatest of many numbers. `Math.min(...values)` overflows the stack at some
 * hundred thousand values, and a page drawn glyph by glyph, such as a map, has more.
 */
export function least(values: Iterable<number>): number {
  let result = Infinity;
  for (const value of values) if (value < result) result = value;
  return result;
}

export function greatest(values: Iterable<number>): number {
  let result = -Infinity;
  for (const value of values) if (value > result) result = value;
  return result;
}
