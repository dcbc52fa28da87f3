import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { CofferdamError } from "../errors/index.ts";
import type { ChannelMode } from "../keeper/index.ts";

/** A Python file whose functions the workers run. */
export interface PythonSource {
  readonly python: string | URL;
  /** The interpreter. Default: `$COFFERDAM_PYTHON`, else `python3`. */
  readonly interpreter?: string;
}

/** A program that speaks the worker protocol on its descriptor 3 (`docs/reference/protocol.md`). */
export interface ProgramSource {
  readonly program: readonly [string, ...string[]];
}

/** Where workers' functions come from: a Node module by its URL, a Python file, or a program. */
export type WorkerSource = URL | PythonSource | ProgramSource;

/** How a worker of some kind is started, and what it is told first. */
export interface WorkerKind {
  readonly command: readonly string[];
  /** What the worker loads; for its errors, what failed. */
  readonly module: string;
  readonly env: Readonly<Record<string, string>>;
  readonly channel: ChannelMode;
  /** It may be given a task before it is ready, and gives it back when asked in time. */
  readonly early: boolean;
  /** It takes long strings as parts. */
  readonly texts: boolean;
}

/** `main.ts` in the repository, `main.js` in the published package. */
const nodeMain = fileURLToPath(
  new URL(`../worker/main${extname(import.meta.url)}`, import.meta.url),
);

/** Throws `INVALID_ARGUMENT`, and `WORKER_START` where what runs Python workers is missing. */
export function workerKind(source: WorkerSource): WorkerKind {
  refuseOther(source);
  if (source instanceof URL)
    return {
      command: [process.execPath, ...inheritedFlags(), nodeMain],
      module: source.href,
      env: {},
      channel: "nonblocking",
      early: true,
      texts: true,
    };
  if ("program" in source)
    return {
      command: source.program,
      module: source.program[0],
      env: {},
      channel: "blocking",
      early: false,
      texts: false,
    };
  const file = typeof source.python === "string" ? source.python : fileURLToPath(source.python);
  const interpreter = source.interpreter ?? process.env["COFFERDAM_PYTHON"] ?? "python3";
  return {
    command: [interpreter, "-u", pythonMain(), file],
    module: file,
    env: {},
    channel: "blocking",
    early: false,
    texts: true,
  };
}

function refuseOther(source: unknown): void {
  if (source instanceof URL) return;
  const { python, program } = Object(source) as { python?: unknown; program?: unknown };
  if (typeof python === "string" || python instanceof URL) return;
  const isCommand = Array.isArray(program) && program.every((word) => typeof word === "string");
  if (isCommand && program.length > 0) return;
  const given = typeof source === "string" ? JSON.stringify(source) : `of type ${typeof source}`;
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    program === undefined
      ? `a pool is for a module by its URL (new URL("./work.ts", import.meta.url)), { python: FILE } or { program: [COMMAND, ...] }; what was given is ${given}`
      : 'program is the list of a command\'s words, one at least, such as ["./worker", "--fast"]',
  );
}

function pythonMain(): string {
  try {
    return fileURLToPath(import.meta.resolve("cofferdam-python/cofferdam_worker.py"));
  } catch (cause) {
    throw new CofferdamError(
      "WORKER_START",
      "Python workers need the package cofferdam-python: npm install cofferdam-python",
      { cause },
    );
  }
}

/** Flags of this process that decide which modules load and how, as `child_process.fork` does. */
function inheritedFlags(): string[] {
  const kept =
    /^(--conditions|-C|--import|--require|-r|--experimental-|--no-experimental-|--enable-source-maps|--preserve-symlinks)/;
  const takesValue = new Set(["--conditions", "-C", "--import", "--require", "-r"]);
  const flags: string[] = [];
  process.execArgv.forEach((flag, index) => {
    if (!kept.test(flag)) return;
    flags.push(flag);
    const value = process.execArgv[index + 1];
    if (takesValue.has(flag) && value !== undefined) flags.push(value);
  });
  return flags;
}
