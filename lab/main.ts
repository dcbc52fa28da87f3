import { type Experiment, UsageError } from "./experiment.ts";

/** Loaded only when it is asked for: an experiment may need what another does without. */
const experiments: Readonly<Record<string, () => Promise<Experiment>>> = {
  survivors: async () => (await import("./survivors/experiment.ts")).survivors,
  semaphores: async () => (await import("./semaphores/experiment.ts")).semaphores,
  freeze: async () => (await import("./freeze/experiment.ts")).freeze,
  resume: async () => (await import("./resume/experiment.ts")).resume,
  slots: async () => (await import("./slots/experiment.ts")).slotsExperiment,
  "cache-kills": async () => (await import("./cache-kills/experiment.ts")).cacheKills,
  rate: async () => (await import("./rate/experiment.ts")).rateExperiment,
  pipelines: async () => (await import("./pipelines/experiment.ts")).pipelines,
  chaos: async () => (await import("./chaos/experiment.ts")).chaosExperiment,
  documents: async () => (await import("./documents/experiment.ts")).documents,
  kills: async () => (await import("./kills/experiment.ts")).kills,
  storm: async () => (await import("./storm/experiment.ts")).stormExperiment,
  guards: async () => (await import("./guards/experiment.ts")).guardsExperiment,
};

process.exitCode = await main(process.argv.slice(2));

async function main([name, ...args]: readonly string[]): Promise<number> {
  const load = name === undefined ? undefined : experiments[name];
  if (load === undefined) {
    const asked = name === undefined || ["help", "--help", "-h"].includes(name);
    (asked ? console.log : console.error)(await overview(asked ? null : name));
    return asked ? 0 : 2;
  }
  const experiment = await load();
  if (args.includes("--help") || args.includes("-h")) {
    console.log(experiment.usage);
    return 0;
  }
  try {
    return await experiment.run(args);
  } catch (error) {
    if (!isUsageError(error)) throw error;
    console.error(`${error.message}\n\n${experiment.usage}`);
    return 2;
  }
}

async function overview(unknown: string | null): Promise<string> {
  const lines = await Promise.all(
    Object.entries(experiments).map(
      async ([name, load]) => `  ${name.padEnd(12)}${(await load()).summary}`,
    ),
  );
  return [
    ...(unknown === null ? [] : [`There is no experiment ${unknown}.`, ""]),
    "npm run lab EXPERIMENT [-- OPTIONS]",
    "",
    ...lines,
    "",
    "npm run lab EXPERIMENT -- --help tells more about one.",
  ].join("\n");
}

/** Ours, or that of `parseArgs`. */
function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  const code = error instanceof TypeError && "code" in error ? String(error.code) : "";
  return code.startsWith("ERR_PARSE_ARGS");
}
