/**
 * One run of a pipeline in a process of its own: `phase.ts FOLDER plan|run`; says what it took as
 * JSON. One that only plans ends before the first item is started.
 */
import { loadPipeline, runPipeline } from "cofferdam";
import { join } from "node:path";

const [folder = "", what = "run"] = process.argv.slice(2);
const loaded = await loadPipeline(join(folder, "cofferdam.yaml"));
const planned = new AbortController();
let planPeakBytes = 0;
const { counts, planMs, durationMs } = await runPipeline(loaded, {
  signal: planned.signal,
  onPlan: () => {
    planPeakBytes = process.resourceUsage().maxRSS * 1024;
    if (what === "plan") planned.abort();
  },
});
const peakBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ counts, planMs, durationMs, planPeakBytes, peakBytes }));
