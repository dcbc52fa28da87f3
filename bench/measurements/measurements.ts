/**
 * The measurements beside a Python baseline, on the same load, on two cores, one after the other:
 * ProcessPoolExecutor and Polars in the best of six settings, then Cofferdam. Each stage is timed,
 * and end to end; the CPU time is that of all processes together; the peak of memory is of all at the
 * worst sample. Then rows and segments are compared: a sample cell by cell, all by sums.
 *
 *     npm run bench measurements [-- --files N] [--runs N] [--raw DIR] [--sample N] [--settings LIST]
 *
 * The full load takes about nine minutes. In portions: generate it once (`cofferdam measurements
 * generate`), then give `--raw` and some of the settings each time, as `fork-2,spawn-4`; each run
 * measures Cofferdam anew beside them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generateLoad } from "@cofferdam/measurements";
import { compareResults } from "./compare.ts";
import { measureCommand, type Measured } from "./measure.ts";
import { findBaselinePython } from "./python.ts";

const cli = fileURLToPath(new URL("../../packages/cofferdam/bin/cofferdam.js", import.meta.url));
const baseline = fileURLToPath(new URL("./baseline/baseline.py", import.meta.url));
const procedures = fileURLToPath(
  new URL("../../apps/measurements/procedures.yml", import.meta.url),
);
const wantedRatio = 3;

interface Way {
  readonly name: string;
  readonly stage: Measured;
  readonly preprocess: Measured;
}

interface Roots {
  readonly raw: string;
  readonly staged: string;
  readonly segments: string;
}

export async function benchMeasurements(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      files: { type: "string", default: "31806" },
      runs: { type: "string", default: "7636" },
      raw: { type: "string" },
      sample: { type: "string", default: "500" },
      settings: { type: "string", default: "all" },
    },
  });
  const { python, missing } = await findBaselinePython();
  if (python === undefined) {
    console.log(`measurements: skipped, because ${missing}`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  try {
    const raw = values.raw ?? join(folder, "raw");
    if (values.raw === undefined)
      generateLoad({
        rawRoot: raw,
        files: Number(values.files),
        runs: Number(values.runs),
        faulty: 0.01,
        seed: 42,
      });
    const ours = roots(raw, join(folder, "ours"));
    const cofferdam = await runCofferdam(ours);
    say(cofferdam);
    let best: Way | undefined;
    let theirs = roots(raw, join(folder, "python"));
    for (const setting of chooseSettings(values.settings)) {
      theirs = roots(raw, join(folder, `python-${setting.start}-${setting.workers}`));
      const way = await runPython(python, theirs, setting);
      say(way);
      if (best === undefined || total(way).seconds < total(best).seconds) best = way;
    }
    if (best === undefined) return;
    describeRatios(best, cofferdam);
    await compareResults(python, theirs, ours, Number(values.sample));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Setting {
  readonly start: "fork" | "spawn";
  readonly workers: number;
}

const allSettings: readonly Setting[] = (["fork", "spawn"] as const).flatMap((start) =>
  [2, 4, 8].map((workers) => ({ start, workers })),
);

function chooseSettings(text: string): readonly Setting[] {
  if (text === "all") return allSettings;
  return text.split(",").map((name) => {
    const setting = allSettings.find(({ start, workers }) => name === `${start}-${workers}`);
    if (!setting)
      throw new Error(`--settings: there is no ${name}; give all, or some of fork-2 … spawn-8`);
    return setting;
  });
}

function roots(raw: string, folder: string): Roots {
  return {
    raw,
    staged: join(folder, "02_stage", "raw_measurements"),
    segments: join(folder, "03_intermediate", "iv_segments"),
  };
}

/** Each stage in a process of its own, without which the second would freeze. */
async function runPython(
  python: string,
  { raw, staged, segments }: Roots,
  { start, workers }: Setting,
): Promise<Way> {
  const common = ["--stage-root", staged, "--workers", String(workers), "--start", start];
  // More threads than cores for the workers together only cost: one each was the fastest.
  const env = { POLARS_MAX_THREADS: "1" };
  const command = (name: string, ...args: string[]): Promise<Measured> =>
    measureCommand([python, baseline, name, ...common, ...args], env);
  return {
    name: `Python, ${start}, ${workers} workers`,
    stage: await command("stage", "--raw-root", raw, "--procedures-yaml", procedures),
    preprocess: await command("preprocess", "--output-root", segments),
  };
}

async function runCofferdam({ raw, staged, segments }: Roots): Promise<Way> {
  const node = [process.execPath, "--conditions=cofferdam-source", cli, "measurements"];
  const common = ["--stage-root", staged, "--workers", "2", "--progress", "none"];
  const yaml = ["--procedures-yaml", procedures];
  return {
    name: "Cofferdam, 2 workers",
    stage: await measureCommand([...node, "stage", "--raw-root", raw, ...yaml, ...common], {}),
    preprocess: await measureCommand(
      [...node, "preprocess", "--output-root", segments, ...common],
      {},
    ),
  };
}

function total({ stage, preprocess }: Way): Measured {
  return {
    seconds: stage.seconds + preprocess.seconds,
    cpuSeconds:
      stage.cpuSeconds === null || preprocess.cpuSeconds === null
        ? null
        : stage.cpuSeconds + preprocess.cpuSeconds,
    peakBytes: Math.max(stage.peakBytes, preprocess.peakBytes),
  };
}

function say(way: Way): void {
  const shown = ({ seconds, cpuSeconds, peakBytes }: Measured): string =>
    `${seconds.toFixed(1)} s (CPU ${cpuSeconds?.toFixed(1) ?? "?"} s, peak ${(peakBytes / 1e6).toFixed(0)} MB)`;
  console.log(
    `${way.name}: stage ${shown(way.stage)}, preprocess ${shown(way.preprocess)}, both ${shown(total(way))}`,
  );
}

function describeRatios(python: Way, cofferdam: Way): void {
  const ratio = (of: (way: Way) => number): string => (of(python) / of(cofferdam)).toFixed(2);
  console.log(`\nbest baseline: ${python.name}`);
  console.log(`stage: ${ratio((way) => way.stage.seconds)} times as fast`);
  console.log(`preprocess: ${ratio((way) => way.preprocess.seconds)} times as fast`);
  console.log(
    `end to end: ${ratio((way) => total(way).seconds)} times as fast (wanted: ${wantedRatio}), ` +
      `${ratio((way) => total(way).cpuSeconds ?? NaN)} times less CPU time`,
  );
}
