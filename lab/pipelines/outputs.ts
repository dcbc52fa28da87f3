import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Every output of the project that is at its place, by path. */
export function readOutputs(folder: string): Map<string, string> {
  const outputs = new Map<string, string>();
  for (const part of ["cut", "shout"])
    for (const name of list(join(folder, part)))
      outputs.set(`${part}/${name}`, readFileSync(join(folder, part, name), "utf8"));
  if (list(folder).includes("all.txt"))
    outputs.set("all.txt", readFileSync(join(folder, "all.txt"), "utf8"));
  return outputs;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Those that are there and are not what they must be. */
export function tornOutputs(
  found: ReadonlyMap<string, string>,
  reference: ReadonlyMap<string, string>,
): string[] {
  return [...found].filter(([path, text]) => reference.get(path) !== text).map(([path]) => path);
}
