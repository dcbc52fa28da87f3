import { CofferdamError } from "../../errors/index.ts";
import type { Scope } from "../../open-scope.ts";
import type { LoadedPipeline } from "../config/index.ts";
import { didYouMean } from "../config/did-you-mean.ts";
import type { PipelineManifest } from "../manifest/index.ts";
import { askVersion, recipeOf } from "./recipe.ts";
import { refuseTrackedOutputs } from "./tracked-file.ts";
import { inOrder, plannedStage, type PlannedStage } from "./stage-plan.ts";

/**
 * Makes out the stages of a run in the order in which they are planned: those that are named and
 * what they read, or all. With `only` just those that are named.
 */
export async function prepareStages(
  loaded: LoadedPipeline,
  manifest: PipelineManifest,
  scope: Pick<Scope, "exec">,
  selection: { readonly stages: readonly string[]; readonly only: boolean },
  signal?: AbortSignal,
): Promise<PlannedStage[]> {
  const { pipeline, folder } = loaded;
  refuseTrackedOutputs(loaded);
  const all = inOrder(pipeline);
  const ids = new Map(all.map((name) => [name, manifest.stageId(name)]));
  manifest.keepStages([...ids.values()]);
  const selected = stagesInOrder(loaded, selection.stages, selection.only);
  const versions = new Map<string, Promise<string>>();
  const toolVersion = (command: string): Promise<string> => {
    const known = versions.get(command) ?? askVersion(scope, command, folder, signal);
    versions.set(command, known);
    return known;
  };
  const stages = new Map<string, PlannedStage>();
  // All of them, so that each knows its neighbours; only the selected ones are run.
  for (const name of all) {
    const definition = pipeline.stages[name];
    if (!definition) continue;
    const isSelected = selected.includes(name);
    const recipe = isSelected
      ? await recipeOf(definition, pipeline, folder, toolVersion)
      : { format: 0 };
    const recipeId = isSelected ? manifest.recipeId(JSON.stringify(recipe)) : 0;
    const upstream = stages.get(definition.from ?? "") ?? null;
    const known = { id: ids.get(name) ?? 0, recipe, recipeId };
    stages.set(name, plannedStage(name, pipeline, upstream, known));
  }
  return [...stages.values()].filter(({ name }) => selected.includes(name));
}

/** The names of the stages of a run, each after what it reads. Throws `INVALID_ARGUMENT`. */
export function stagesInOrder(
  { pipeline }: LoadedPipeline,
  stages: readonly string[],
  only: boolean,
): string[] {
  const all = inOrder(pipeline);
  if (stages.length === 0) return [...all];
  const selected = new Set<string>();
  for (const name of stages) {
    if (!all.includes(name))
      throw new CofferdamError(
        "INVALID_ARGUMENT",
        `there is no stage ${JSON.stringify(name)}${didYouMean(name, all) || `; there are ${all.join(", ")}`}`,
      );
    for (
      let next: string | undefined = name;
      next !== undefined;
      next = only ? undefined : pipeline.stages[next]?.from
    )
      selected.add(next);
  }
  return all.filter((name) => selected.has(name));
}
