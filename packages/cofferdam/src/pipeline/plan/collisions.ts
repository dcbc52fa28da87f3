import { isInjective, mayMeet, withParams } from "../config/index.ts";
import type { PipelineManifest } from "../manifest/index.ts";
import type { KnownOutputs } from "./known-outputs.ts";
import type { ItemPlace, PlannedStage } from "./stage-plan.ts";

/** Two items that would have one output, told as `"in/a.txt"` or `"in/a.txt" of another stage`. */
export interface Collision {
  readonly output: string;
  readonly holders: readonly [string, string];
  readonly remedy: string;
}

const moreOfTheName = "put more of the input's name in it, such as {in.dir}/{in.stem}";
const otherFolders = "let the stages write to different folders";

/** Finds items that would write to one output: the last of them would win. */
export class Collisions {
  readonly #manifest: PipelineManifest;
  readonly #outputs: KnownOutputs;
  readonly #params: Readonly<Record<string, unknown>>;
  /** Outputs of arrivals that have been judged, and whose rows are not yet written. */
  readonly #claims = new Map<string, string>();
  /** Of each stage: others that may make the same outputs. */
  readonly #rivals = new Map<PlannedStage, PlannedStage[]>();

  constructor(
    manifest: PipelineManifest,
    outputs: KnownOutputs,
    params: Readonly<Record<string, unknown>>,
  ) {
    this.#manifest = manifest;
    this.#outputs = outputs;
    this.#params = params;
  }

  /** A stage is planned: what it makes counts. */
  add(stage: PlannedStage): void {
    if (this.#rivals.has(stage)) return;
    const rivals = [...this.#rivals.keys()].filter((other) => this.#mayMeet(stage, other));
    for (const rival of rivals) this.#rivals.get(rival)?.push(stage);
    this.#rivals.set(stage, rivals);
    if (rivals.length > 0) this.#manifest.indexOutputs();
  }

  #mayMeet({ definition: { out: one } }: PlannedStage, other: PlannedStage): boolean {
    const { out } = other.definition;
    if (one === undefined || out === undefined) return false;
    return mayMeet(withParams(one, this.#params), withParams(out, this.#params));
  }

  #rivalsOf(stage: PlannedStage): readonly PlannedStage[] {
    return this.#rivals.get(stage) ?? [];
  }

  /** Whether another stage may make the same outputs. */
  hasRivals(stage: PlannedStage): boolean {
    return this.#rivalsOf(stage).length > 0;
  }

  /** An item that would have the output of another, of all that are known. */
  find(stage: PlannedStage): Collision | null {
    const rivals = this.#rivalsOf(stage);
    if (!mayCollide(stage) && rivals.length === 0) return null;
    const found = this.#manifest.collision(this.#claimsOf([stage, ...rivals]));
    if (!found) return null;
    const isOwn = found.holders.every((holder) => holder.endsWith('"'));
    return { ...found, remedy: isOwn ? moreOfTheName : otherFolders };
  }

  *#claimsOf(
    stages: readonly PlannedStage[],
  ): Generator<readonly [holder: string, output: string]> {
    for (const stage of stages)
      for (const key of this.#outputs.expectedKeys(stage)) {
        const { output } = stage.place(key);
        const holder = JSON.stringify(key);
        if (output !== null)
          yield [stage === stages[0] ? holder : `${holder} of ${stage.name}`, output];
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
    const rivals = this.#rivalsOf(stage);
    if (output === null || (!mayCollide(stage) && rivals.length === 0)) return place;
    const own = mayCollide(stage) ? this.#holder(stage, output, key) : undefined;
    if (own !== undefined)
      return taken(output, JSON.stringify(own), "put more of the input's name into out");
    for (const rival of rivals) {
      const holder = this.#holder(rival, output, null);
      if (holder !== undefined)
        return taken(output, `${JSON.stringify(holder)} of ${rival.name}`, otherFolders);
    }
    this.#claims.set(`${stage.id}:${output}`, key);
    return place;
  }

  /** Which of a stage's items, besides one, has the output. */
  #holder(stage: PlannedStage, output: string, besides: string | null): string | undefined {
    const claim = this.#claims.get(`${stage.id}:${output}`);
    if (claim !== undefined && claim !== besides) return claim;
    return (
      this.#manifest
        .holders(stage.id, output)
        // What an earlier plan has called so may have another name now.
        .find((other) => other !== besides && stage.place(other).output === output)
    );
  }

  /** The item's row is written, and tells it from now on. */
  release(stage: PlannedStage, output: string | null): void {
    if (output !== null) this.#claims.delete(`${stage.id}:${output}`);
  }
}

function taken(output: string, holder: string, remedy: string): ItemPlace {
  const problem = `its output would be ${JSON.stringify(output)}, which is that of ${holder}; ${remedy}`;
  return { output: null, problem };
}

function mayCollide({ definition: { out, gather } }: PlannedStage): boolean {
  return out !== undefined && gather !== "all" && !isInjective(out);
}
