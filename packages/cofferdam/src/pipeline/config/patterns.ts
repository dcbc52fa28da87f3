import { posix } from "node:path";
import { didYouMean } from "./did-you-mean.ts";
import type { Stage } from "./schema.ts";
import { lookUp } from "./track.ts";

/** `{in.stem}`, `{params.lang}`; what does not begin with a name of ours is left as it is. */
const placeholder = /\{(in|out|item|params)((?:\.[\w-]+)*)\}/g;
const misspelt = /\{([a-z]{2,7})((?:\.[\w-]+)*)\}/g;

const ofInput = ["in", "in.path", "in.name", "in.stem", "in.ext", "in.dir", "item"] as const;
const ofOutput = ["out", "out.dir"] as const;

/** What placeholders stand for in the words of one item. */
export interface ItemNames {
  /** The input as a command is to be given it. */
  readonly input: string;
  /** What the item is called: what the parts of the input's name are taken from. */
  readonly key: string;
  /** The output as a command is to be given it; empty where there is none. */
  readonly output: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Puts an item's names into a word. */
export function fillIn(text: string, names: ItemNames): string {
  if (!text.includes("{")) return text;
  return text.replace(placeholder, (whole: string, head: string, rest: string) => {
    if (head === "params") return textOf(lookUp(names.params, rest.slice(1)).value);
    return nameOf(`${head}${rest}`, names) ?? whole;
  });
}

function nameOf(name: string, { input, key, output }: ItemNames): string | null {
  switch (name) {
    case "in":
    case "in.path":
      return input;
    case "item":
      return key;
    case "in.name":
      return posix.basename(key);
    case "in.stem":
      return posix.basename(key, posix.extname(key));
    case "in.ext":
      return posix.extname(key).slice(1);
    case "in.dir":
      return posix.dirname(key);
    case "out":
      return output;
    case "out.dir":
      return posix.dirname(output);
    default:
      return null;
  }
}

/** Whether a command names its output itself. If none of its words does, it is what it prints. */
export function namesOutput(words: readonly string[]): boolean {
  return words.some((word) => /\{out(\.dir)?\}/.test(word));
}

/** What is wrong with the placeholders of a text; null when nothing is. */
export function placeholderProblem(
  text: string,
  use: "command" | "out" | "group",
  stage: Stage,
  params: Readonly<Record<string, unknown>>,
): string | null {
  const known: readonly string[] = use === "command" ? [...ofInput, ...ofOutput] : ofInput;
  for (const [whole, head = "", rest = ""] of text.matchAll(misspelt)) {
    const name = `${head}${rest}`;
    if (head === "params") {
      const { found, nearest } = lookUp(params, rest.slice(1));
      if (!found) return `has ${whole}, but there is no such parameter${nearest}`;
      continue;
    }
    if (known.includes(name)) {
      if (head === "out" && stage.out === undefined)
        return `has ${whole}, but the stage has no out`;
      continue;
    }
    if (use === "command" && isOfTool(head, rest)) continue;
    const hint = hintFor(name, known);
    return `has the placeholder ${whole}, which does not exist here${hint}`;
  }
  if (use === "out" && stage.gather === undefined && !/\{(in|item)(\.[\w-]+)?\}/.test(text))
    return `is the same for every item: ${JSON.stringify(text)}; put the item's name in it, such as {in.stem}`;
  if (use === "out" && stage.gather !== undefined && stage.gather !== "all" && !text.includes("{"))
    return `is the same for every group: ${JSON.stringify(text)}; put {item} in it`;
  return null;
}

const ours = ["in", "out", "item", "params"];
const ofOthers: Readonly<Record<string, string>> = { input: "in", output: "out" };

/** Whether braces in a command are the tool's own, and not a name of ours, misspelt. */
function isOfTool(head: string, rest: string): boolean {
  if (ours.includes(head) || head in ofOthers) return false;
  return (rest === "" && head.length < 4) || didYouMean(head, ours) === "";
}

function hintFor(name: string, known: readonly string[]): string {
  const meant = ofOthers[name];
  if (meant !== undefined) return `; did you mean "${meant}"?`;
  return didYouMean(name, known) || `; there are ${known.map((one) => `{${one}}`).join(" ")}`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
