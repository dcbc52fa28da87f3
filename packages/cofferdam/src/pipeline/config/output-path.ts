import { posix } from "node:path";
import { fillIn } from "./patterns.ts";

/** Where an item's output goes, or why it can go nowhere. */
export type OutputPlace =
  | { readonly output: string; readonly problem: null }
  | { readonly output: null; readonly problem: string };

/** Bytes that a name in a path may have: `NAME_MAX` of all file systems that matter. */
const nameMaxBytes = 255;

/**
 * Makes out the outputs of a stage from the names of its items, relative to the pipeline's folder.
 * What stands in an item's name must not lead anywhere else than the pattern says: a line `../x`
 * would be a file outside of it, and `x/..` the folder of all outputs.
 */
export function outputPlaces(
  pattern: string,
  params: Readonly<Record<string, unknown>>,
): (key: string) => OutputPlace {
  const segments = pattern
    .split("/")
    .filter((text) => text !== "")
    .map((text, index, all) => ({
      text,
      isOfItem: ofItem.test(text),
      mayBeLeftOut: onlyItem.test(text) && index < all.length - 1,
    }));
  return (key) => {
    const names = { input: key, key, output: "", params };
    const parts: string[] = [];
    for (const { text, isOfItem, mayBeLeftOut } of segments) {
      const filled = fillIn(text, names);
      // A file that has no folder, or no extension, leaves that level out.
      const isNothing = filled === "" || filled === ".";
      if (isNothing && mayBeLeftOut && !key.includes("/")) continue;
      for (const part of filled.split("/")) {
        const problem = isOfItem ? problemOf(part) : null;
        if (problem !== null) {
          const whole = segments.map((one) => fillIn(one.text, names)).join("/");
          return {
            output: null,
            problem: `its output would be ${JSON.stringify(whole)}, which ${problem}; give it another name`,
          };
        }
        if (isOfItem || (part !== "" && part !== ".")) parts.push(part);
      }
    }
    return { output: parts.join("/"), problem: null };
  };
}

const ofItem = /\{(in|item)(\.\w+)?\}/;
const onlyItem = /^\{(in|item)(\.\w+)?\}$/;

function problemOf(part: string): string | null {
  if (part === "") return "has an empty name in it";
  if (part === "." || part === "..") return `has ${JSON.stringify(part)} in it`;
  if (part.includes("\0")) return "has a zero byte in it";
  if (part.length * 3 > nameMaxBytes && Buffer.byteLength(part) > nameMaxBytes)
    return `has a name of more than ${nameMaxBytes} bytes in it`;
  return null;
}

/** The folder, relative to the pipeline's, that all outputs of a pattern lie below. */
export function outputFolderOf(pattern: string, params: Readonly<Record<string, unknown>>): string {
  const fixed = withParams(pattern, params).split("{", 1)[0] ?? "";
  return posix.dirname(posix.normalize(`${fixed}x`));
}

/** A pattern with the values of parameters in it. */
export function withParams(pattern: string, params: Readonly<Record<string, unknown>>): string {
  return pattern.replace(/\{params\.[\w.-]+\}/g, (one) =>
    fillIn(one, { input: "", key: "", output: "", params }),
  );
}

/**
 * Whether two items can certainly never get the same output: the pattern has all of the item's name
 * in it and nothing else of it, so that nobody has to look.
 */
export function isInjective(pattern: string): boolean {
  const found = pattern.match(/\{(in|item)(\.\w+)?\}/g) ?? [];
  if (found.length === 1) return ["{in}", "{in.path}", "{item}"].includes(found[0]);
  return found.length === 2 && pattern.includes("{in.dir}/{in.name}");
}

/**
 * Whether two patterns could give one output, whatever the items are called: false is certain. What
 * an item puts in may be anything, and may leave its level out.
 */
export function mayMeet(one: string, other: string): boolean {
  const [a, b] = [one, other].map((pattern) => {
    const path = posix.normalize(pattern).replace(/\/$/, "");
    return path.match(/\{[^}]*\}\/?|[^{]/gu) ?? [];
  });
  if (!a || !b) return false;
  const apart = new Set<string>();
  const meet = (i: number, j: number): boolean => {
    const [left, right] = [a[i], b[j]];
    if (left === undefined && right === undefined) return true;
    if (apart.has(`${i} ${j}`)) return false;
    let found = left !== undefined && left === right && meet(i + 1, j + 1);
    if (left?.startsWith("{")) found ||= meet(i + 1, j) || (right !== undefined && meet(i, j + 1));
    if (right?.startsWith("{")) found ||= meet(i, j + 1) || (left !== undefined && meet(i + 1, j));
    if (!found) apart.add(`${i} ${j}`);
    return found;
  };
  return meet(0, 0);
}
