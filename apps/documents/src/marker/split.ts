/**
 * What becomes of the documents of a dead batch: those it had not begun go on together, and those it
 * was at work on in halves, until the culprit is alone. Where either is empty, the rest is halved, so
 * that each round's groups are smaller than the one before.
 */
export function splitUnfinished<Entry>(
  suspects: readonly Entry[],
  others: readonly Entry[],
): (readonly Entry[])[] {
  const groups =
    suspects.length > 0 && others.length > 0
      ? [others, ...halves(suspects)]
      : halves([...suspects, ...others]);
  return groups.filter((group) => group.length > 0);
}

function halves<Entry>(entries: readonly Entry[]): (readonly Entry[])[] {
  const middle = Math.ceil(entries.length / 2);
  return [entries.slice(0, middle), entries.slice(middle)];
}
