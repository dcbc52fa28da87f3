const VOWEL = /[aeiouy]/iu;
/** Pairs that spell one sound and are not parted. */
const TOGETHER =
  /^(?:th|ch|sh|ph|ck|ng|qu|gh|wh|gn|kn|st|bl|br|cl|cr|dr|fl|fr|gl|gr|pl|pr|sl|tr|sc|sk|sp|sw|tw)$/iu;

/**
 * Where a long English word may be broken, by one simple rule: between two consonants that stand
 * between vowels ("mea-sure" no, "con-tain" yes). It misses many breaks and makes few bad ones.
 */
export function breakPoints(word: string): number[] {
  if (word.length < 7 || !/^[a-z]+[.,;:)]?$/iu.test(word)) return [];
  const points: number[] = [];
  for (let at = 3; at <= word.length - 3; at += 1) {
    const [before = "", left = "", right = "", after = ""] = word.slice(at - 2, at + 2);
    const consonants = !VOWEL.test(left) && !VOWEL.test(right) && /[a-z]/iu.test(right);
    if (consonants && VOWEL.test(before) && VOWEL.test(after) && !TOGETHER.test(left + right))
      points.push(at);
  }
  return points;
}
