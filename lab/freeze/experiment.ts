import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generateLoad } from "@cofferdam/measurements";
import { findBaselinePython } from "../../bench/measurements/python.ts";
import { openCensus } from "../census/index.ts";
import { type Experiment, UsageError } from "../experiment.ts";
import { CLEANUP_DEADLINE_MS, endLeftovers } from "../kill.ts";
import { runCofferdamStages } from "./cofferdam-stages.ts";
import { type PythonOptions, type PythonRun, runPythonStages } from "./python-stages.ts";

const procedures = fileURLToPath(
  new URL("../../apps/measurements/procedures.yml", import.meta.url),
);

export const freeze: Experiment = {
  summary: "two stages in one Python process that forks after Polars has threads",
  usage: `npm run lab freeze -- [--runs N] [--silence SECONDS] [--files N] [--cofferdam N]

The two stages of the measurements, back to back in one Python process: ProcessPoolExecutor forks
its workers, and Polars has threads in the parent by the time of the second stage. Each stage alone
is run first. A run that gives no result for the silence is frozen; where its children stand is
asked of /proc and py-spy, and then they are ended. The same work is then done by Cofferdam.

  --runs N            runs of both stages in Python (default 20)
  --silence SECONDS   so long without a result is frozen (default 60)
  --at-once N         Python runs beside each other; frozen ones cost nothing (default 4)
  --files N           files of the load, a quarter of them IV runs (default 120)
  --cofferdam N       runs under Cofferdam (default 50)
`,
  run: async (args) => {
    const options = readOptions(args);
    const { python, missing } = await findBaselinePython();
    if (python === undefined) {
      console.log(`freeze: skipped, because ${missing}`);
      return 0;
    }
    const folder = mkdtempSync(join(tmpdir(), "freeze-"));
    const census = openCensus();
    try {
      const rawRoot = join(folder, "raw");
      const { files } = options;
      generateLoad({ rawRoot, files, runs: files >> 2, faulty: 0, seed: 1 });
      const common = { python, rawRoot, procedures, cookie: census.cookie, ...options };
      const isAloneFine = await runAlone({ ...common, folder: join(folder, "alone") });
      const runs = await runBoth(folder, options.atOnce, options.runs, common);
      describePython(runs, options.silenceMs);
      const isCofferdamFine = await runCofferdam(folder, rawRoot, options.cofferdam);
      const left = await endLeftovers(census, CLEANUP_DEADLINE_MS);
      console.log(`left by the experiment: ${left.length} processes`);
      return isAloneFine && isCofferdamFine && left.length === 0 ? 0 : 1;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: "20" },
      silence: { type: "string", default: "60" },
      "at-once": { type: "string", default: "4" },
      files: { type: "string", default: "120" },
      cofferdam: { type: "string", default: "50" },
    },
  });
  const number = (name: keyof typeof values): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1)
      throw new UsageError(`--${name} takes a whole number above 0`);
    return value;
  };
  return {
    runs: number("runs"),
    silenceMs: number("silence") * 1000,
    atOnce: number("at-once"),
    files: number("files"),
    cofferdam: number("cofferdam"),
  };
}

async function runAlone(options: PythonOptions): Promise<boolean> {
  for (const which of ["stage", "preprocess"] as const) {
    const { ended, exitCode, frozen } = await runPythonStages(which, options);
    console.log(
      `Python, ${which} alone: ${frozen ? "frozen" : `exit ${exitCode ?? "none"}, ${ended.join()} files`}`,
    );
    if (frozen || exitCode !== 0) return false;
  }
  return true;
}

async function runBoth(
  folder: string,
  atOnce: number,
  count: number,
  common: Omit<PythonOptions, "folder">,
): Promise<PythonRun[]> {
  const runs: PythonRun[] = [];
  let next = 1;
  const lane = async (): Promise<void> => {
    for (let number = next++; number <= count; number = next++) {
      const run = await runPythonStages("both", {
        ...common,
        folder: join(folder, `py-${number}`),
      });
      runs.push(run);
      const how = run.frozen
        ? `frozen after ${run.ended.join(", ") || "nothing"}`
        : `ended: ${run.ended.join(", ")}`;
      console.log(`Python, both stages, run ${number}: ${how}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return runs;
}

function describePython(runs: readonly PythonRun[], silenceMs: number): void {
  const frozen = runs.filter((run) => run.frozen);
  console.log(
    `\nPython: ${frozen.length} of ${runs.length} runs gave no result for ${silenceMs / 1000} s`,
  );
  const places = new Map<string, number>();
  for (const { threads, wchan, syscall, frames } of frozen.flatMap((run) => run.blocked)) {
    const python = frames.slice(0, 3).join(" ← ") || "no frames";
    const place = `${threads} thread(s), in ${wchan} (system call ${syscall}): ${python}`;
    places.set(place, (places.get(place) ?? 0) + 1);
  }
  const sorted = [...places].sort(([, a], [, b]) => b - a);
  for (const [place, count] of sorted) console.log(`  ${count} children: ${place}`);
}

async function runCofferdam(folder: string, rawRoot: string, count: number): Promise<boolean> {
  let completed = 0;
  let left = 0;
  let expected: string | undefined;
  for (let run = 0; run < count; run++) {
    const { stage, preprocess } = await runCofferdamStages({
      rawRoot,
      folder: join(folder, "cofferdam"),
      procedures,
    });
    const counts = JSON.stringify([stage.counts, preprocess?.counts, preprocess?.produced]);
    expected ??= counts;
    if (counts === expected && preprocess?.counts.pending === 0) completed++;
    left += (stage.scope?.processes.left ?? 0) + (preprocess?.scope?.processes.left ?? 0);
  }
  console.log(
    `\nCofferdam: ${completed} of ${count} runs in a row completed, ${left} processes left`,
  );
  return completed === count && left === 0;
}
