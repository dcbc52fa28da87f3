const plain = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A command as a line that a POSIX shell reads back as the same words. Always one line. */
export function quoteCommand(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

function quoteWord(word: string): string {
  if (plain.test(word)) return word;
  // eslint-disable-next-line no-control-regex -- it is control characters that we look for
  if (!/[\u0000-\u001f\u007f]/.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  // The one notation in which a newline can be written without one.
  const escaped = word.replace(
    // eslint-disable-next-line no-control-regex -- as above
    /[\\'\u0000-\u001f\u007f]/g,
    (character) =>
      character === "\\" || character === "'"
        ? `\\${character}`
        : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `$'${escaped}'`;
}
