import { CofferdamError } from "../../errors/index.ts";

/** Where in a definition: `["stages", "markdown", "out"]`. `key` points at the key, not its value. */
export interface Place {
  readonly path: readonly PropertyKey[];
  readonly key?: boolean;
}

/** One thing that is wrong with a definition: what, and what to do. */
export interface ConfigProblem extends Place {
  readonly message: string;
}

/** Finds the line and column of a place; null where there is no text. */
export type Locate = (place: Place) => { readonly line: number; readonly column: number } | null;

/** A definition that cannot be used. All of its problems are in the message, a line each. */
export class ConfigError extends CofferdamError {
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[], locate: Locate = () => null) {
    super("CONFIG", problems.map((problem) => describe(file, problem, locate)).join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

function describe(file: string, problem: ConfigProblem, locate: Locate): string {
  const at = locate(problem);
  const place = problem.path.map(String).join(".");
  const where = at ? `${file}:${at.line}:${at.column}` : file;
  return `${where}: ${place === "" ? "" : `${place} `}${problem.message}`;
}
