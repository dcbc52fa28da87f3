import { didYouMean } from "./did-you-mean.ts";

/** What a stage tracks besides its inputs and its command. */
export type Tracked =
  | { readonly kind: "param"; readonly name: string; readonly value: unknown }
  | { readonly kind: "tool"; readonly command: string }
  | { readonly kind: "file"; readonly path: string };

/** Understands an entry of `track`. */
export function parseTrack(
  text: string,
  params: Readonly<Record<string, unknown>>,
): { tracked: Tracked; message?: undefined } | { tracked?: undefined; message: string } {
  if (text === "params") return { tracked: { kind: "param", name: "", value: params } };
  if (text.startsWith("params.")) {
    const name = text.slice("params.".length);
    const { found, value, nearest } = lookUp(params, name);
    if (found) return { tracked: { kind: "param", name, value } };
    return {
      message: `follows a parameter that does not exist: ${JSON.stringify(name)}${nearest}`,
    };
  }
  const [, scheme, rest = ""] = /^(tool|file):(.+)$/.exec(text) ?? [];
  if (scheme === "tool") return { tracked: { kind: "tool", command: rest } };
  if (scheme === "file") return { tracked: { kind: "file", path: rest } };
  return {
    message: `cannot be tracked: ${JSON.stringify(text)}; there are params.NAME, tool:COMMAND and file:PATH`,
  };
}

/** A value by its dotted name. `nearest` is a hint for one that is not there. */
export function lookUp(
  values: Readonly<Record<string, unknown>>,
  name: string,
): { found: boolean; value: unknown; nearest: string } {
  let value: unknown = values;
  let before = "";
  for (const part of name === "" ? [] : name.split(".")) {
    const isMapping = typeof value === "object" && value !== null;
    if (!isMapping || !Object.hasOwn(value as object, part)) {
      const names = isMapping ? Object.keys(value as object).map((key) => before + key) : [];
      return { found: false, value: undefined, nearest: didYouMean(before + part, names) };
    }
    value = (value as Record<string, unknown>)[part];
    before += `${part}.`;
  }
  return { found: true, value, nearest: "" };
}
