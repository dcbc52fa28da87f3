import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkLoad, generateLoad } from "@cofferdam/measurements";
import { describeResults } from "../../apps/measurements/test/support/results.ts";
import { COOKIE_VARIABLE, openCensus } from "../census/index.ts";
import { type Experiment, UsageError } from "../experiment.ts";
import { CLEANUP_DEADLINE_MS, endLeftovers } from "../kill.ts";

const cli = fileURLToPath(new URL("../../packages/cofferdam/bin/cofferdam.js", import.meta.url));

export const resume: Experiment = {
  summary: "SIGKILL of a measurements run at random moments, resumed each time",
  usage: `npm run lab resume -- [--kills N] [--files N] [--runs N] [--seed N] [--raw DIR]

One load of instrument files goes through the pipeline undisturbed. Another time its run is killed
by SIGKILL at random moments and started again each time, until it ends by itself. The results of
the two must be the same: data files byte by byte, events and manifests but for their times.

  --kills N   how often it is killed (default 50)
  --files N   files of the load (default 31806)
  --runs N    how many of them are IV runs (default 7636)
  --seed N    of the load and of the moments (default 42)
  --raw DIR   takes a load that generate has written, instead of writing one
`,
  run: async (args) => {
    const options = readOptions(args);
    const folder = mkdtempSync(join(tmpdir(), "resume-"));
    const census = openCensus();
    try {
      const rawRoot = resolve(options.raw ?? join(folder, "raw"));
      if (options.raw === undefined) generateLoad({ rawRoot, faulty: 0.01, ...options });
      const undisturbed = new Place(rawRoot, join(folder, "undisturbed"), census.cookie);
      const { seconds } = await undisturbed.run(null);
      console.log(`undisturbed: ${seconds.toFixed(1)} s`);
      const killed = new Place(rawRoot, join(folder, "killed"), census.cookie);
      const { kills, total } = await killAtRandom(killed, seconds, options);
      console.log(`killed ${kills} times, ${total.toFixed(1)} s in all`);
      const same = await compare(undisturbed, killed);
      const left = await endLeftovers(census, CLEANUP_DEADLINE_MS);
      console.log(`left by the experiment: ${left.length} processes`);
      return same && left.length === 0 && kills === options.kills ? 0 : 1;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

interface Options {
  readonly kills: number;
  readonly files: number;
  readonly runs: number;
  readonly seed: number;
  readonly raw: string | undefined;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: "string", default: "50" },
      files: { type: "string", default: "31806" },
      runs: { type: "string", default: "7636" },
      seed: { type: "string", default: "42" },
      raw: { type: "string" },
    },
  });
  const [kills, files, runs, seed] = [values.kills, values.files, values.runs, values.seed].map(
    (text) => {
      const value = Number(text);
      if (!Number.isInteger(value) || value < 0) throw new UsageError(`${text} is no whole number`);
      return value;
    },
  ) as [number, number, number, number];
  return { kills, files, runs, seed, raw: values.raw };
}

/** A folder for results, and the pipeline that writes them there, as a process. */
class Place {
  readonly rawRoot: string;
  readonly stageRoot = "02_stage/raw_measurements";
  readonly outputRoot = "03_intermediate";
  readonly folder: string;
  readonly #cookie: string;

  constructor(rawRoot: string, folder: string, cookie: string) {
    this.rawRoot = rawRoot;
    this.folder = folder;
    this.#cookie = cookie;
    mkdirSync(folder);
  }

  /** Runs the pipeline, and kills it after so many milliseconds unless that is null. */
  async run(killAfterMs: number | null): Promise<{ seconds: number; killed: boolean }> {
    const since = performance.now();
    // Paths from here: names are made of them, and must be the same in both folders.
    const roots = ["--raw-root", this.rawRoot, "--stage-root", this.stageRoot];
    const output = ["--output-root", this.outputRoot, "--progress", "none"];
    const child = spawn(
      process.execPath,
      ["--conditions=cofferdam-source", cli, "measurements", "pipeline", ...roots, ...output],
      {
        cwd: this.folder,
        stdio: "ignore",
        env: { ...process.env, [COOKIE_VARIABLE]: this.#cookie },
      },
    );
    const timer =
      killAfterMs === null ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    const [, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    clearTimeout(timer);
    return { seconds: (performance.now() - since) / 1000, killed: signal === "SIGKILL" };
  }

  /** What lies there, by file. */
  async results(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const root of ["02_stage", this.outputRoot])
      for (const [name, content] of Object.entries(await describeResults(join(this.folder, root))))
        found.set(join(root, name), JSON.stringify(content));
    return found;
  }
}

/** Each run is given a random part of the whole's time, so that moments of all its parts are hit. */
async function killAtRandom(
  place: Place,
  seconds: number,
  { kills, seed }: Options,
): Promise<{ kills: number; total: number }> {
  let state = seed + 1;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  let done = 0;
  let total = 0;
  while (done < kills) {
    const share = ((1.2 * seconds) / kills) * random();
    const { seconds: took, killed } = await place.run(startMs + share * 1000);
    total += took;
    if (killed) done++;
    else break; // it was faster than the moments: the rest would kill nothing
  }
  const { seconds: took } = await place.run(null);
  return { kills: done, total: total + took };
}

/** About how long a run takes to have its workers: before, there is nothing of it to kill. */
const startMs = 700;

async function compare(undisturbed: Place, killed: Place): Promise<boolean> {
  const [wanted, found] = await Promise.all([undisturbed.results(), killed.results()]);
  const different = [...new Set([...wanted.keys(), ...found.keys()])].filter(
    (name) => wanted.get(name) !== found.get(name),
  );
  console.log(`${wanted.size} files compared, ${different.length} are different`);
  for (const name of different.slice(0, 10)) console.log(`  ${name}`);
  // The list is checked by paths from there, too.
  process.chdir(killed.folder);
  const { checked, differences } = await checkLoad({
    rawRoot: killed.rawRoot,
    stageRoot: killed.stageRoot,
    outputRoot: killed.outputRoot,
    procedure: "IV",
  });
  console.log(`${checked.files} files checked by the list, ${differences.length} differences`);
  return different.length === 0 && differences.length === 0;
}
