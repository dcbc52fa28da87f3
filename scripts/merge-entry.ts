/**
 * An entry that other files need more of than it exports is two files to the bundler: what it is
 * made of, and one that passes on what is public. Here they become one, which a program's first task
 * has sooner, with the public exports and no others; the rest goes by an object in a third file,
 * which both have loaded.
 */
import { posix } from "node:path";

export interface MergedEntry {
  /** The entry's own file; it goes. */
  readonly face: string;
  /** The file that becomes the entry. */
  readonly body: string;
  /** Has the object with what is not public. Both load it, and it loads neither. */
  readonly home: string;
}

/** `files`: their text by their path. */
export function mergeEntry(files: Map<string, string>, { face, body, home }: MergedEntry): void {
  const faceText = textOf(files, face);
  const bodyText = textOf(files, body);
  const locals = swapped(namesIn(exportsOf(bodyText)));
  const given = [...faceText.matchAll(importPattern)].flatMap(([, names = "", from = ""]) =>
    Array.from(namesIn(names), ([key, name]) => ({ name, key, file: resolve(face, from) })),
  );
  const exports = new Map<string, string[]>();
  for (const name of namesIn(exportsOf(faceText)).keys()) {
    const origin = given.find((one) => one.name === name);
    if (!origin) throw new Error(`${face} exports ${name}, and does not import it`);
    const { key, file } = origin;
    const local = file === body ? locals.get(key) : key;
    exports.set(file, [...(exports.get(file) ?? []), `${local} as ${name}`]);
  }
  const hidden = Array.from(locals, ([key, local]) => `${key}: ${local}`).join(", ");
  const end = [
    ...Array.from(exports, ([file, names]) => {
      const from = file === body ? "" : ` from "${relative(body, file)}"`;
      return `export { ${names.join(", ")} }${from};`;
    }),
    `import { internals } from "${relative(body, home)}";`,
    `Object.assign(internals, { ${hidden} });`,
  ];
  files.delete(face);
  files.delete(`${face}.map`);
  for (const [path, text] of files) files.set(path, importInternals(path, text, body, home));
  files.set(home, `${textOf(files, home)}\nexport const internals = {};\n`);
  files.set(
    body,
    bodyText.replace(exportPattern, () => end.join("\n")),
  );
}

const importPattern = /^import \{ ([^}]*) \} from "([^"]*)";$/gm;
const exportPattern = /^export \{ ([^}]*) \};$/m;

/** `body` still comes first, where it is not loaded yet. Lines stay where they are. */
function importInternals(path: string, text: string, body: string, home: string): string {
  return text.replace(importPattern, (line, names: string, from: string) => {
    if (resolve(path, from) !== body) return line;
    const taken = Array.from(namesIn(names), ([key, name]) => `${key}: ${name}`);
    return `import "${from}"; import { internals } from "${relative(path, home)}"; const { ${taken.join(", ")} } = internals;`;
  });
}

function exportsOf(text: string): string {
  const found = exportPattern.exec(text)?.[1];
  if (found === undefined) throw new Error("a bundled file ends without its exports");
  return found;
}

/** Of `a as b, c`: a to b, c to c. */
function namesIn(list: string): Map<string, string> {
  const pairs = list.split(", ").map((one) => one.split(" as "));
  return new Map(pairs.map(([first = "", second = first]) => [first, second]));
}

function swapped(names: ReadonlyMap<string, string>): Map<string, string> {
  return new Map(Array.from(names, ([first, second]) => [second, first]));
}

function textOf(files: ReadonlyMap<string, string>, path: string): string {
  const text = files.get(path);
  if (text === undefined) throw new Error(`the bundler made no ${path}`);
  return text;
}

function resolve(from: string, to: string): string {
  return posix.join(posix.dirname(from), to);
}

function relative(from: string, to: string): string {
  const path = posix.relative(posix.dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}
