/** Words after which a full stop ends no sentence, as papers have them. */
const abbreviations = new Set(
  (
    "al approx cf ch col dr ed eds e.g eq eqs etc fig figs i.e jr mr mrs ms no nos op p pp prof " +
    "ref refs resp sec sect sr st tab vol vs"
  ).split(" "),
);

/**
 * The sentences of a paragraph. A sentence ends with a mark that ends one, after no abbreviation and
 * no initial, where white space and something other than a small letter follows; scripts that have
 * their own marks need no white space.
 */
export function splitSentences(paragraph: string): string[] {
  const sentences: string[] = [];
  let from = 0;
  for (const match of paragraph.matchAll(/[.!?…]+["'”’»)\]]*\s+(?=[^\p{Ll}\s])|[。！？]+/gu)) {
    const end = match.index + match[0].length;
    if (match[0].startsWith(".") && endsAbbreviated(paragraph.slice(from, match.index))) continue;
    sentences.push(paragraph.slice(from, end).trim());
    from = end;
  }
  sentences.push(paragraph.slice(from).trim());
  return sentences.filter((sentence) => sentence !== "");
}

function endsAbbreviated(text: string): boolean {
  const word = /(\S+)$/u.exec(text)?.[1]?.replace(/^[("'[“‘]+/u, "") ?? "";
  return abbreviations.has(word.toLowerCase()) || /^\p{Lu}(?:\.\p{Lu})*$/u.test(word);
}
