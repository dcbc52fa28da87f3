import { readFile } from "node:fs/promises";
import { CofferdamError, errorCode, errorMessage } from "cofferdam";
import {
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml";
import { valueTypes, type DeclaredTypes, type Procedures, type ValueType } from "./procedures.ts";

/**
 * Reads a `procedures.yml`. Sections beside Parameters, Metadata and Data are left alone. Rejects
 * with `INVALID_ARGUMENT`, which says file, line and column of what is wrong.
 */
export async function loadProcedures(path: string): Promise<Procedures> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const why = errorCode(error) === "ENOENT" ? "there is no such file" : errorMessage(error);
    throw refusal(path, why);
  }
  return new ProceduresReader(path).read(text);
}

class ProceduresReader {
  readonly #path: string;
  readonly #lines = new LineCounter();

  constructor(path: string) {
    this.#path = path;
  }

  read(text: string): Procedures {
    const document = parseDocument(text, { lineCounter: this.#lines });
    const [problem] = document.errors;
    if (problem)
      throw this.#at(problem.pos[0], `it is not YAML: ${problem.message.split("\n")[0] ?? ""}`);
    const root = this.#map(document.contents, 0, "the file");
    const procedures = root.items.find((pair) => nameOf(pair) === "procedures");
    if (!procedures) throw refusal(this.#path, "it has no `procedures:`");
    const result: Record<string, Procedures[string]> = {};
    for (const pair of this.#map(procedures.value, offsetOf(procedures.key), "procedures").items)
      result[nameOf(pair)] = this.#procedure(pair);
    return result;
  }

  #procedure(pair: Pair): Procedures[string] {
    const name = nameOf(pair);
    const sections = this.#map(pair.value, offsetOf(pair.key), name).items;
    const types = (section: string): DeclaredTypes => {
      const found = sections.find((one) => nameOf(one) === section);
      return found ? this.#types(found, `${name}.${section}`) : {};
    };
    return {
      parameters: types("Parameters"),
      metadata: types("Metadata"),
      data: types("Data"),
    };
  }

  #types(section: Pair, where: string): DeclaredTypes {
    if (section.value === null || (isScalar(section.value) && section.value.value === null))
      return {};
    const types: Record<string, ValueType> = {};
    for (const pair of this.#map(section.value, offsetOf(section.key), where).items)
      types[nameOf(pair)] = this.#type(pair, where);
    return types;
  }

  /** `float`, or `{ type: float, … }`. */
  #type(pair: Pair, where: string): ValueType {
    const node = isMap(pair.value) ? (pair.value.get("type", true) ?? pair.value) : pair.value;
    const given = isScalar(node) ? String(node.value).trim().toLowerCase() : "";
    const type = valueTypes.find((known) => known === given);
    if (type !== undefined) return type;
    const shown = isScalar(node) ? JSON.stringify(node.value) : "this";
    throw this.#at(
      offsetOf(node) || offsetOf(pair.key),
      `${where}.${nameOf(pair)}: ${shown} is no type; a type is one of ${valueTypes.join(", ")}`,
    );
  }

  #map(node: unknown, offset: number, what: string): YAMLMap {
    if (isMap(node)) return node;
    throw this.#at(offsetOf(node) || offset, `${what} is not a list of "name: value"`);
  }

  #at(offset: number, message: string): CofferdamError {
    const { line, col } = this.#lines.linePos(offset);
    return refusal(`${this.#path}:${line}:${col}`, message);
  }
}

function refusal(where: string, message: string): CofferdamError {
  return new CofferdamError("INVALID_ARGUMENT", `${where}: ${message}`);
}

function nameOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : "";
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}
