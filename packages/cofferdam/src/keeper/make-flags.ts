/** What the command has the jobserver's fifo as. */
const descriptor = 5;

/** Values of `MAKEFLAGS` that tell of a jobserver; `keeper/src/makeflags.h` says why there are two. */
export interface MakeFlags {
  readonly flags: string;
  /** For a make before 4.4; undefined: the same. */
  readonly old: string | undefined;
}

/** For a command with a jobserver at the path `fifo`, with what was in the variable before. */
export function makeFlags(before: string, jobs: number, fifo: string): MakeFlags {
  const byPath = `--jobserver-auth=fifo:${fifo}`;
  const byDescriptor = `--jobserver-auth=${descriptor},${descriptor}`;
  const [options, variables] = splitVariables(before);
  const all = (...ways: string[]): string => `${options} -j${jobs} ${ways.join(" ")}${variables}`;
  if (isSplit(fifo)) return { flags: all(byDescriptor), old: undefined };
  return { flags: all(byDescriptor, byPath), old: all(byPath, byDescriptor) };
}

/** Make would take such a path for two words, or for a variable. */
function isSplit(path: string): boolean {
  return /[\s\\$]/.test(path);
}

/** What follows ` -- ` are variables of make's, and no options. */
function splitVariables(flags: string): readonly [string, string] {
  const at = /(?:^| )-- /.exec(flags)?.index ?? flags.length;
  return [flags.slice(0, at), flags.slice(at)];
}
