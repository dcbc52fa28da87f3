/** `npm run bench <name>`: each benchmark runs Cofferdam and its peer in one run and gives ratios. */
import { benchCache } from "./cache.ts";
import { benchDispatchPython } from "./dispatch-python.ts";
import { benchDispatch } from "./dispatch.ts";
import { benchDocuments } from "./documents.ts";
import { benchFlow } from "./flow.ts";
import { benchMap } from "./map.ts";
import { benchPipeline } from "./pipeline.ts";
import { benchMeasurements } from "./measurements/measurements.ts";
import { benchSpawn } from "./spawn.ts";
import { benchThreads } from "./threads.ts";

interface Benchmark {
  readonly summary: string;
  readonly run: (args: readonly string[]) => Promise<void>;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  dispatch: {
    summary: "calls of warm workers beside tinypool, workerpool and piscina",
    run: benchDispatch,
  },
  "dispatch-python": {
    summary: "calls of warm Python workers beside ProcessPoolExecutor",
    run: benchDispatchPython,
  },
  cache: {
    summary: "hits a second of a shared cache beside Manager().dict(), SQLite and LMDB",
    run: benchCache,
  },
  documents: {
    summary: "one worker beside a plain Node process, and two workers beside one",
    run: benchDocuments,
  },
  flow: {
    summary: "ten million inputs through map, a million calls of run: memory, descriptors, rate",
    run: benchFlow,
  },
  measurements: {
    summary: "instrument files to Parquet to segments, beside ProcessPoolExecutor and Polars",
    run: benchMeasurements,
  },
  map: {
    summary: "a command over 10,000 inputs beside GNU parallel, xargs and a loop of execa",
    run: benchMap,
  },
  pipeline: {
    summary: "a million items: planning, running, and finding nothing to do",
    run: benchPipeline,
  },
  spawn: {
    summary: "contained starts a second beside a C loop, child_process and GNU parallel",
    run: benchSpawn,
  },
  threads: {
    summary: "numpy in four Python workers, with and without a budget",
    run: benchThreads,
  },
};

const [name = "", ...args] = process.argv.slice(2);
const benchmark = benchmarks[name];
if (benchmark) {
  await benchmark.run(args);
} else {
  console.error("usage: npm run bench <name>");
  for (const [known, { summary }] of Object.entries(benchmarks))
    console.error(`  ${known}  ${summary}`);
  process.exitCode = 1;
}
