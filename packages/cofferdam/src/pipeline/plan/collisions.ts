import { isInjective } from "../config/index.ts";
import type { PipelineManifest } from "../manifest/index.ts";
import type { KnownOutputs } from "./known-outputs.ts";
import type { ItemPlace, PlannedStage } from "./stage-plan.ts";

/** Finds items that would write to one output: the last of them would win. */
export class Collisions {
  readonly #manifest: PipelineManifest;
  readonly #outputs: KnownOutputs;
  /** Outputs of arrivals that have been judged, and whose rows are not yet written. */
  readonly #claims = new Map<string, string>();

  constructor(manifest: PipelineManifest, outputs: KnownOutputs) {
    this.#manifest = manifest;
    this.#outputs = outputs;
  }

  /** Two of a stage's items that would have one output, among all that are known. */
  find(stage: PlannedStage): { output: string; keys: readonly [string, string] } | null {
    if (!mayCollide(stage)) return null;
    return this.#manifest.collision(this.#claimsOf(stage));
  }

  *#claimsOf(stage: PlannedStage): Generator<readonly [key: string, output: string]> {
    for (const key of this.#outputs.expectedKeys(stage)) {
      const { output } = stage.place(key);
      if (output !== null) yield [key, output];
    }
  }

  /** Makes looking for the holder of an output quick, where arrivals will ask for it. */
  prepare(stage: PlannedStage): void {
    if (mayCollide(stage)) this.#manifest.indexOutputs();
  }

  /**
   * The place of an item that has just come to be known. It has a problem when another item holds it;
   * else it is the item's until `release`.
   */
  claim(stage: PlannedStage, key: string): ItemPlace {
    const place = stage.place(key);
    const { output } = place;
    if (output === null || !mayCollide(stage)) return place;
    const claim = `${stage.id}:${output}`;
    const holder =
      this.#claims.get(claim) ??
      this.#manifest
        .holders(stage.id, output)
        // What an earlier plan has called so may have another name now.
        .find((other) => other !== key && stage.place(other).output === output);
    if (holder !== undefined && holder !== key)
      return {
        output: null,
        problem: `its output would be ${JSON.stringify(output)}, which is that of ${JSON.stringify(holder)}; put more of the input's name into out`,
      };
    this.#claims.set(claim, key);
    return place;
  }

  /** The item's row is written, and tells it from now on. */
  release(stage: PlannedStage, output: string | null): void {
    if (output !== null) this.#claims.delete(`${stage.id}:${output}`);
  }
}

function mayCollide({ definition: { out, gather } }: PlannedStage): boolean {
  return out !== undefined && gather !== "all" && !isInjective(out);
}
