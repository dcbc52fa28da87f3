/** Set to the task's scratch folder unless the caller says otherwise. */
const scratchVariables = new Set(["TMPDIR", "TMP", "TEMP"]);

/**
 * The environment for a task: ours, without where our own temporary files go, and with what the
 * caller adds or (by `undefined`) takes away.
 */
export function taskEnvironment(
  extra: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && !scratchVariables.has(name)) env[name] = value;
  for (const [name, value] of Object.entries(extra)) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  return env;
}
