/** Set to the task's scratch folder unless the caller says otherwise. */
const scratchVariables = new Set(["TMPDIR", "TMP", "TEMP"]);

/**
 * The environment for a task: ours, without where our own temporary files go, and with what the
 * caller adds or (by `undefined`) takes away.
 */
export function taskEnvironment(
  extra: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) => !scratchVariables.has(name));
  const all = { ...Object.fromEntries(inherited), ...extra };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
