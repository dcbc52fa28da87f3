/** One run of a pipeline in a process of its own: `phase.ts FOLDER`; says what it took as JSON. */
import { loadPipeline, runPipeline } from "cofferdam";
import { join } from "node:path";

const [folder = ""] = process.argv.slice(2);
const loaded = await loadPipeline(join(folder, "cofferdam.yaml"));
let planPeakBytes = 0;
const { counts, planMs, durationMs } = await runPipeline(loaded, {
  onPlan: () => {
    planPeakBytes = process.resourceUsage().maxRSS * 1024;
  },
});
const peakBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ counts, planMs, durationMs, planPeakBytes, peakBytes }));
