/** Set to the task's scratch folder unless the caller says otherwise. */
const scratchVariables = new Set(["TMPDIR", "TMP", "TEMP"]);

/**
 * The environment for a task: ours (or none of it, or the named variables), without where our own temporary files go, and with what the
 * caller adds or (by `undefined`) takes away.
 */
export function taskEnvironment(
  extra: Readonly<Record<string, string | undefined>> = {},
  inherit: boolean | readonly string[] = true,
): Record<string, string> {
  const names = typeof inherit === "boolean" ? null : new Set(inherit);
  const inherited = Object.entries(process.env).filter(
    ([name]) => inherit !== false && (names?.has(name) ?? !scratchVariables.has(name)),
  );
  const all = { ...Object.fromEntries(inherited), ...extra };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
