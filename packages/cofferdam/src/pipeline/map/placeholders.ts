/** Placeholders as GNU parallel has them, put into words of a command: no shell, no quoting. */

/** The parts of an input that a placeholder can ask for. `number` counts from 1. */
type Replacement = (input: string, number: number) => string;

const replacements: Readonly<Record<string, Replacement>> = {
  "{}": (input) => input,
  "{.}": withoutExtension,
  "{/}": baseName,
  "{//}": folderName,
  "{/.}": (input) => withoutExtension(baseName(input)),
  "{#}": (_input, number) => String(number),
};

const placeholder = /\{(?:|\.|\/|\/\/|\/\.|#)\}/g;

export type CommandTemplate = (input: string, number: number) => string[];

/** Makes a command for each input. Words without any placeholder get the input as one more word. */
export function commandTemplate(words: readonly string[]): CommandTemplate {
  const complete = words.some((word) => word.search(placeholder) >= 0) ? words : [...words, "{}"];
  return (input, number) =>
    complete.map((word) =>
      word.includes("{")
        ? word.replace(placeholder, (name) => replacements[name]?.(input, number) ?? name)
        : word,
    );
}

function baseName(input: string): string {
  return input.slice(input.lastIndexOf("/") + 1);
}

function folderName(input: string): string {
  const slash = input.lastIndexOf("/");
  if (slash < 0) return ".";
  return slash === 0 ? "/" : input.slice(0, slash);
}

/** A dot that begins a name begins no extension. */
function withoutExtension(input: string): string {
  const dot = input.lastIndexOf(".");
  const nameStart = input.lastIndexOf("/") + 1;
  return dot > nameStart ? input.slice(0, dot) : input;
}
