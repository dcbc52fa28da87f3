/**
 * Reading what Marker says on standard error. What it says decides no outcome: it explains one.
 */

/**
 * Python's resource tracker found semaphores (or shared memory) that nobody had put away. It says so
 * exactly when the process that owned them ended abnormally, never after a clean end; it has removed
 * them by then. So the warning is no leak to be cleaned up but the sign of a death: 6 belong to a
 * pool of workers, 1 to a lone lock.
 */
export function findAbnormalDeath(stderr: string): string | null {
  const pattern = /resource_tracker: There appear to be (\d+) leaked (semaphore|shared_memory)/gu;
  const found = [...stderr.matchAll(pattern)].map(([, count = "", kind = ""]) => ({
    count: Number(count),
    kind,
  }));
  if (found.length === 0) return null;
  const what = found.map(({ count, kind }) => {
    const owner = kind === "semaphore" && count % 6 === 0 ? ", as a pool of workers holds," : "";
    return `${count} ${kind === "semaphore" ? "semaphore(s)" : "block(s) of shared memory"}${owner}`;
  });
  return `a Python process of Marker ended abnormally while it held ${what.join(" and ")}; they are gone`;
}

const setupProblems: readonly { pattern: RegExp; explain: (match: RegExpExecArray) => string }[] = [
  {
    pattern: /ModuleNotFoundError: No module named '([\w.]+)'/u,
    explain: ([, name = ""]) =>
      `its installation lacks the Python module ${name}; install it beside Marker: pip install ${name}`,
  },
  {
    pattern: /llama-server binary not found/u,
    explain: () =>
      "Marker 2 needs a server for its models, and llama-server is not there; install llama.cpp, or set LLAMA_CPP_BINARY to it",
  },
  {
    // The exception that ended the attempts, and not a log line of one of them.
    pattern:
      /^[\w.]*(?:(?:Connection|Timeout|Proxy|SSL|MaxRetry)Error|Timeout): .*host='([\w.-]+)'|^[\w.]*(?:LocalEntryNotFoundError|OfflineModeIsEnabled)\b/mu,
    explain: ([, host]) =>
      `its models are not here and could not be fetched${host === undefined ? "" : ` from ${host}`}; run marker_single once where the network is, or set MODEL_CACHE_DIR to a folder that has them`,
  },
  {
    pattern:
      /(?:Torch not compiled with CUDA enabled|No CUDA GPUs are available|Found no NVIDIA driver|invalid device ordinal)/u,
    explain: ([words]) =>
      `it sees no such GPU (${words}); see \`cofferdam doctor\`, or use --device cpu`,
  },
];

/** Why no document at all can be converted by this installation; null if nothing says so. */
export function findSetupProblem(stderr: string): string | null {
  for (const { pattern, explain } of setupProblems) {
    const match = pattern.exec(stderr);
    if (match) return explain(match);
  }
  return null;
}

/**
 * What Marker says of one input: `Error converting PATH: REASON` from the program for folders, or
 * the last line of a traceback.
 */
export function findReason(stderr: string, file: string | null): string | null {
  const marker = file === null ? null : `Error converting ${file}: `;
  const lines = stderr.split("\n");
  if (marker !== null) {
    const line = lines.find((text) => text.includes(marker));
    return line === undefined ? null : clean(line.slice(line.indexOf(marker) + marker.length));
  }
  const last = lines.findLast((text) => /^[\w.]*(?:Error|Exception|Exit)\b/u.test(text));
  return last === undefined ? null : clean(last);
}

/** Hears, line by line, which inputs the program for folders gives up on. */
export class GivenUp {
  readonly #folder: string;
  readonly #onGivenUp: (stem: string) => void;
  #line = "";

  constructor(folder: string, onGivenUp: (stem: string) => void) {
    this.#folder = folder;
    this.#onGivenUp = onGivenUp;
  }

  hear(words: string): void {
    const lines = `${this.#line}${words}`.split("\n");
    this.#line = (lines.pop() ?? "").slice(0, longestLine);
    for (const line of lines) {
      const [, path = ""] = line.split(/Error converting (?=\/)/u);
      const stem = /^([\w-]+)\.pdf: /u.exec(path.slice(this.#folder.length + 1))?.[1];
      if (stem !== undefined && path.startsWith(`${this.#folder}/`)) this.#onGivenUp(stem);
    }
  }
}

const longestLine = 10_000;

const longestReason = 300;

function clean(text: string): string | null {
  const line = text.trim().slice(0, longestReason);
  return line === "" ? null : line;
}
