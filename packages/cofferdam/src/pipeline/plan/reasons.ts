import type { Recipe } from "./recipe.ts";

/** What is different between the recipe of a result and the one of now, for a person. */
export function describeChange(before: Recipe, now: Recipe): string {
  const changes: string[] = [];
  if (before.format !== now.format) changes.push("format of fingerprints changed");
  if (differs(before.command, now.command)) changes.push("command changed");
  if (before.code !== now.code) changes.push("code changed");
  if (before.function !== now.function) changes.push("function changed");
  if (before.out !== now.out) changes.push(`out: ${show(before.out)} → ${show(now.out)}`);
  if (before.gather !== now.gather)
    changes.push(`gather: ${show(before.gather)} → ${show(now.gather)}`);
  changes.push(...differences("param", before.params, now.params));
  changes.push(...differences("tool", before.tools, now.tools));
  for (const [what, one, other] of [
    ["file", before.files, now.files],
    ["env", before.env, now.env],
  ] as const)
    changes.push(...changedNames(one, other).map((name) => `${what} ${name} changed`));
  return changes.length === 0 ? "recipe changed" : changes.join(", ");
}

type Values = Readonly<Record<string, unknown>> | undefined;

function differences(what: string, before: Values, now: Values): string[] {
  return changedNames(before, now).map(
    (name) => `${what} ${name}: ${show(before?.[name])} → ${show(now?.[name])}`,
  );
}

function changedNames(before: Values = {}, now: Values = {}): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].filter((name) => differs(before[name], now[name]));
}

function differs(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b);
}

function show(value: unknown): string {
  if (value === undefined) return "none";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
