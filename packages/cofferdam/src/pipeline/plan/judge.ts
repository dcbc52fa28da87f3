import { statSync } from "node:fs";
import { join } from "node:path";
import { hashContent, stampOf, type Stamp } from "../files/stamp.ts";
import { itemState, type ItemRow, type PipelineManifest } from "../manifest/index.ts";
import { describeChange } from "./reasons.ts";
import type { Recipe } from "./recipe.ts";
import type { ItemPlace, PlannedStage } from "./stage-plan.ts";

/** What is to become of an item, and why. */
export type Verdict =
  | { readonly action: "run"; readonly reason: string }
  | { readonly action: "skip"; readonly reason: "unchanged"; readonly stamp?: Stamp }
  | { readonly action: "leave"; readonly reason: "in quarantine" }
  | {
      readonly action: "refuse";
      readonly reason: "output of others" | "no place for its output";
      readonly message: string;
    };

export interface JudgeOptions {
  /** Runs what is unchanged too, and writes over files that no run has made. */
  readonly force: boolean;
  /** Runs what is in quarantine too. */
  readonly retryFailed: boolean;
}

/** Decides about items by the files as they are now and what the manifest knows of them. */
export class Judge {
  readonly #manifest: PipelineManifest;
  readonly #folder: string;
  readonly #options: JudgeOptions;
  readonly #changes = new Map<number, string>();

  constructor(manifest: PipelineManifest, folder: string, options: JudgeOptions) {
    this.#manifest = manifest;
    this.#folder = folder;
    this.#options = options;
  }

  /** `stamp` is that of the input as it is now; null where it is gone or is no file. */
  async judge(
    stage: PlannedStage,
    row: ItemRow | null,
    { output, problem }: ItemPlace,
    input: { readonly stamp: Stamp | null; readonly hash: () => string | Promise<string> },
  ): Promise<Verdict> {
    if (problem !== null)
      return { action: "refuse", reason: "no place for its output", message: problem };
    // A name that an earlier plan has given to the item is the item's; another name is not.
    const isOurs =
      row !== null &&
      row.output === output &&
      (row.recipe !== null || row.state !== itemState.failed);
    if (!isOurs && this.#isForeign(output)) return outputOfOthers(output);
    if (row?.recipe == null) return run(row === null ? "new" : "not finished last time");
    if (this.#options.force) return run("forced");
    if (row.recipe !== stage.recipeId) return run(this.#changeOf(row.recipe, stage));
    let restamped: Stamp | undefined;
    if (input.stamp !== row.stamp) {
      if (input.stamp === null) return run("input vanished");
      if (row.hash === null || (await input.hash()) !== row.hash) return run("input changed");
      restamped = input.stamp;
    }
    switch (row.state) {
      case itemState.failed:
        return run("failed last time");
      case itemState.quarantined:
        return this.#options.retryFailed
          ? run("retried on request")
          : { action: "leave", reason: "in quarantine" };
      case itemState.pending:
      case itemState.queued:
        return run("not finished last time");
      case itemState.done: {
        const isThere = output === null || this.#has(output);
        // Of a folder each file is an output, and the input of others.
        const isWhole =
          !stage.makesFolder ||
          this.#manifest.outputs(stage.id, row.key).every((path) => this.#has(path));
        if (!isThere || !isWhole) return run("output missing");
        return { action: "skip", reason: "unchanged", ...(restamped ? { stamp: restamped } : {}) };
      }
    }
  }

  /** For an item that is a file. */
  file(stage: PlannedStage, row: ItemRow | null, key: string, place: ItemPlace): Promise<Verdict> {
    const path = join(this.#folder, key);
    const stamp = row === null ? null : stampOf(path); // a new one is run whatever it holds
    return this.judge(stage, row, place, {
      stamp,
      hash: () => hashContent(path, stamp ?? ""),
    });
  }

  /** For an item that is only a name. */
  line(stage: PlannedStage, row: ItemRow | null, place: ItemPlace): Promise<Verdict> {
    return this.judge(stage, row, place, { stamp: "", hash: () => "" });
  }

  #isForeign(output: string | null): output is string {
    return output !== null && !this.#options.force && this.#has(output);
  }

  #has(output: string): boolean {
    return statSync(join(this.#folder, output), { throwIfNoEntry: false }) !== undefined;
  }

  #changeOf(recipe: number, stage: PlannedStage): string {
    const key = recipe * 1_000_000 + stage.recipeId;
    const known = this.#changes.get(key);
    if (known !== undefined) return known;
    const before = JSON.parse(this.#manifest.recipe(recipe)) as Recipe;
    const change = describeChange(before, stage.recipe);
    this.#changes.set(key, change);
    return change;
  }
}

function outputOfOthers(output: string): Verdict {
  const message = `${output} is there, and no run has made it; move it away, or say --force`;
  return { action: "refuse", reason: "output of others", message };
}

function run(reason: string): Verdict {
  return { action: "run", reason };
}
