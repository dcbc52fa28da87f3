import type { Pipeline, Stage } from "../config/index.ts";
import { outputFolderOf, outputPlaces } from "../config/index.ts";
import type { Recipe } from "./recipe.ts";

/** A stage as planning and running need it: names looked up, paths made out. */
export interface PlannedStage {
  readonly name: string;
  readonly definition: Stage;
  /** Its number in the manifest. */
  readonly id: number;
  readonly recipe: Recipe;
  readonly recipeId: number;
  /** Those that read its outputs. */
  readonly downstream: PlannedStage[];
  readonly upstream: PlannedStage | null;
  /** Whether its output is a folder of files. */
  readonly makesFolder: boolean;
  /** Whether it starts only when the stage before has ended. */
  readonly waits: boolean;
  /** The folder that its outputs lie below, relative to the pipeline's; null where it makes none. */
  readonly outputFolder: string | null;
  /** Of an item: where its output goes. */
  place(key: string): ItemPlace;
}

/** Where an item's output goes. */
export interface ItemPlace {
  /** Relative to the pipeline's folder; null where the stage makes no file, or there is a problem. */
  readonly output: string | null;
  /** Why there is no such place, or the item may not have it. */
  readonly problem: string | null;
}

const noOutput: ItemPlace = { output: null, problem: null };

/** The stages, each after the one it reads. */
export function inOrder(pipeline: Pipeline): string[] {
  const ordered: string[] = [];
  const add = (name: string): void => {
    const { from } = pipeline.stages[name] ?? {};
    if (from !== undefined && !ordered.includes(from)) add(from);
    if (!ordered.includes(name)) ordered.push(name);
  };
  for (const name of Object.keys(pipeline.stages)) add(name);
  return ordered;
}

export function plannedStage(
  name: string,
  pipeline: Pipeline,
  upstream: PlannedStage | null,
  known: { readonly id: number; readonly recipe: Recipe; readonly recipeId: number },
): PlannedStage {
  const definition = pipeline.stages[name];
  if (!definition) throw new TypeError(`no stage ${name}`);
  const { out } = definition;
  const params = pipeline.params ?? {};
  const planned: PlannedStage = {
    name,
    definition,
    ...known,
    downstream: [],
    upstream,
    makesFolder: out?.endsWith("/") ?? false,
    waits: definition.gather !== undefined || (definition.barrier ?? false),
    outputFolder: out === undefined ? null : outputFolderOf(out, params),
    place: out === undefined ? () => noOutput : outputPlaces(out, params),
  };
  upstream?.downstream.push(planned);
  return planned;
}
