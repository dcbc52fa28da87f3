import { join } from "node:path";
import { loadProcedures, runPipeline, type PipelineResult } from "@cofferdam/measurements";

export interface CofferdamOptions {
  readonly rawRoot: string;
  readonly folder: string;
  readonly procedures: string;
}

/** The same work by Cofferdam, both stages back to back in this process. */
export async function runCofferdamStages(options: CofferdamOptions): Promise<PipelineResult> {
  const { rawRoot, folder } = options;
  const stageRoot = join(folder, "02_stage", "raw_measurements");
  const common = { stageRoot, workers: 2, force: true };
  return runPipeline({
    mode: "one",
    stage: {
      ...common,
      rawRoot,
      procedures: await loadProcedures(options.procedures),
      localTz: "America/Santiago",
      onlyYamlData: false,
    },
    preprocess: {
      ...common,
      outputRoot: join(folder, "03_intermediate"),
      procedure: "IV",
      voltageCol: "Vsd (V)",
      dvThreshold: 0.001,
      minSegmentPoints: 5,
    },
  });
}
