import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What the command has the jobserver's fifo as. */
const descriptor = 5;

/** An option of make 4.4, which is the first that opens a jobserver by its path. */
const optionOfPathMakes = "jobserver-style";

/**
 * `MAKEFLAGS` for a command with a jobserver at the path `fifo`, with what was in it before. Where an
 * option is given twice its last value counts: the path, unless the task's make is one that stops at
 * a path. That one finds the open descriptor last.
 */
export function makeFlags(
  env: Readonly<Record<string, string>>,
  jobs: number,
  fifo: string,
): string {
  const byPath = `--jobserver-auth=fifo:${fifo}`;
  const byDescriptor = `--jobserver-auth=${descriptor},${descriptor}`;
  const ways = makeOpensPaths(env["PATH"]) ? [byDescriptor, byPath] : [byPath, byDescriptor];
  if (isSplit(fifo)) ways.splice(ways.indexOf(byPath), 1);
  const [flags, variables] = splitVariables(env["MAKEFLAGS"] ?? "");
  return `${flags} -j${jobs} ${ways.join(" ")}${variables}`;
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

const known = new Map<string, boolean>();

/**
 * Whether the make on this `PATH` opens a jobserver by its path. The name of an option that came with
 * it stands in the program: that is sooner read than the program run. True where there is none: ninja,
 * cargo and compilers read paths.
 */
function makeOpensPaths(path: string | undefined): boolean {
  const folders = path ?? "/usr/bin:/bin";
  let opens = known.get(folders);
  if (opens === undefined) {
    opens = readMake(folders)?.includes(optionOfPathMakes) ?? true;
    known.set(folders, opens);
  }
  return opens;
}

function readMake(path: string): Buffer | null {
  for (const folder of path.split(delimiter)) {
    const program = join(folder, "make");
    if (!existsSync(program)) continue;
    try {
      return readFileSync(program);
    } catch {
      continue; // the next folder
    }
  }
  return null;
}
