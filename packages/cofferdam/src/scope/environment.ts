/** Set to the task's scratch folder unless the caller says otherwise. */
const scratchVariables = new Set(["TMPDIR", "TMP", "TEMP"]);

/**
 * The environment for a task: ours (or none of it, or the named variables), without where our own
 * temporary files go, and with what the caller adds or (by `undefined`) takes away.
 */
export function taskEnvironment(
  extra: Readonly<Record<string, string | undefined>> = {},
  inherit: boolean | readonly string[] = true,
): Record<string, string> {
  const names = typeof inherit === "boolean" ? null : new Set(inherit);
  // No prototype: a variable may be called `__proto__`.
  const all = Object.create(null) as Record<string, string>;
  // Of all ways to list process.env the cheapest: each look at it is a call into the system.
  for (const name of inherit === false ? [] : Object.getOwnPropertyNames(process.env)) {
    if (!(names?.has(name) ?? !scratchVariables.has(name))) continue;
    const value = process.env[name];
    if (value !== undefined) all[name] = value;
  }
  for (const [name, value] of Object.entries(extra)) {
    if (value === undefined) Reflect.deleteProperty(all, name);
    else all[name] = value;
  }
  return all;
}
