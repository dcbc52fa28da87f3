import { parseArgs } from "node:util";
import { type Experiment, UsageError } from "../experiment.ts";
import { measureRate } from "./measure.ts";

export const rateExperiment: Experiment = {
  summary: "workers against a server that enforces the very limit that they share",
  usage: `npm run lab rate -- [--limit N] [--window MS] [--workers N] [--calls N] [--json]

Workers call a local server, a permit of one shared limiter each. The server refuses what is above
the same limit in any window. Nothing should be refused, and the allowed rate used.

  --limit N     requests in a window (default 60000)
  --window MS   its length (default 60000)
  --workers N   (default 8)
  --calls N     of each worker (default 10000); together more than the limit
  --json        the figures as JSON

The share of the allowed rate that was used: after each call, the limit lets the one that is
--limit further on come no sooner than a window later. The share is the window divided by what it
took, at the mean.
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        limit: { type: "string", default: "60000" },
        window: { type: "string", default: "60000" },
        workers: { type: "string", default: "8" },
        calls: { type: "string", default: "10000" },
        json: { type: "boolean", default: false },
      },
    });
    const options = {
      limit: Number(values.limit),
      windowMs: Number(values.window),
      workers: Number(values.workers),
      calls: Number(values.calls),
    };
    if (!Object.values(options).every((value) => Number.isSafeInteger(value) && value > 0))
      throw new UsageError("all options but --json take whole numbers above 0");
    if (options.workers * options.calls <= options.limit)
      throw new UsageError("the calls of all workers together must be more than the limit");
    const result = await measureRate(options);
    const { accepted, refused, seconds, used } = result;
    console.log(
      values.json
        ? JSON.stringify({ ...options, ...result })
        : `${accepted} calls by ${options.workers} workers, at most ${options.limit} in ${options.windowMs} ms: ` +
            `${refused} refused, ${(used * 100).toFixed(1)} % of the allowed rate used, ${seconds.toFixed(1)} s`,
    );
    return refused === 0 && used >= 0.95 ? 0 : 1;
  },
};
