import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Node } from "yaml";
import type { Locate, Place } from "./problem.ts";

export interface YamlText {
  readonly value: unknown;
  readonly locate: Locate;
  /** What makes it no YAML at all. */
  readonly errors: readonly {
    readonly line: number;
    readonly column: number;
    readonly message: string;
  }[];
}

/** Reads YAML and keeps where everything stands. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const errors = document.errors.map(({ message, pos: [offset] }) => ({ ...at(offset), message }));
  return {
    value: errors.length > 0 ? undefined : document.toJS(),
    locate: (place) => at(offsetOf(document.contents, place)),
    errors,
  };
}

/** As deep as the place leads; what is missing is missed where it should stand. */
function offsetOf(root: Node | null, { path, key = false }: Place): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const [depth, part] of path.entries()) {
    const isLast = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === part);
      if (!isPair(pair)) return offset;
      const keyNode = pair.key as Node;
      offset = keyNode.range?.[0] ?? offset;
      if (isLast && key) return offset;
      node = pair.value;
      const value = node as Node | null;
      // What is wrong with a whole mapping is told at its name.
      if (!isMap(value)) offset = value?.range?.[0] ?? offset;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}
