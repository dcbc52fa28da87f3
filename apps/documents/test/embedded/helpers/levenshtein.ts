/**
 * The edit distance of two texts, by UTF-16 unit.
 *
 * Myers' bit-parallel method (A fast bit-vector algorithm for approximate string matching, 1999)
 * in Hyyrö's block form: a column of the distance table is kept as two bit vectors of its
 * differences, so one step handles 32 cells, and two long texts are compared in a moment.
 */
export function levenshtein(a: string, b: string): number {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (short.length === 0) return long.length;
  const blocks = Math.ceil(short.length / 32);
  const matches = matchMasks(short, blocks);
  const none = new Int32Array(blocks);
  const plus = new Int32Array(blocks).fill(-1);
  const minus = new Int32Array(blocks);
  const lastBit = 1 << ((short.length - 1) % 32);
  let score = short.length;
  for (let column = 0; column < long.length; column += 1) {
    const mask = matches.get(long.charCodeAt(column)) ?? none;
    // The first row grows by one in every column: a whole text against nothing.
    let carryPlus = 1;
    let carryMinus = 0;
    for (let block = 0; block < blocks; block += 1) {
      const vertical = plus[block] ?? 0;
      const falling = minus[block] ?? 0;
      const match = mask[block] ?? 0;
      const equal = match | carryMinus;
      const zero = ((((equal & vertical) + vertical) | 0) ^ vertical) | equal;
      const rise = falling | ~(zero | vertical);
      const fall = zero & vertical;
      if (block === blocks - 1) {
        if ((rise & lastBit) !== 0) score += 1;
        else if ((fall & lastBit) !== 0) score -= 1;
      }
      const shiftedRise = (rise << 1) | carryPlus;
      const shiftedFall = (fall << 1) | carryMinus;
      carryPlus = rise >>> 31;
      carryMinus = fall >>> 31;
      const either = match | falling;
      plus[block] = shiftedFall | ~(either | shiftedRise);
      minus[block] = shiftedRise & either;
    }
  }
  return score;
}

/** For every character, where it stands in the text, 32 places to a word. */
function matchMasks(text: string, blocks: number): Map<number, Int32Array> {
  const masks = new Map<number, Int32Array>();
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    let mask = masks.get(code);
    if (mask === undefined) {
      mask = new Int32Array(blocks);
      masks.set(code, mask);
    }
    const block = index >> 5;
    mask[block] = (mask[block] ?? 0) | (1 << (index & 31));
  }
  return masks;
}
