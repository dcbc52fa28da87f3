import { fillIn } from "../config/index.ts";
import { itemState, type ItemRow, type PipelineManifest } from "../manifest/index.ts";
import type { PlannedStage } from "./stage-plan.ts";

/**
 * How far a stage has been planned: all of its items; those that the stage before has made already;
 * or nothing, since it gathers what is not yet made.
 */
type Planned = "all" | "arrived" | "nothing";

/** Which outputs there are and which there will be, as far as planning knows. */
export class KnownOutputs {
  readonly #manifest: PipelineManifest;
  readonly #params: Readonly<Record<string, unknown>>;
  readonly #planned = new Map<PlannedStage, Planned>();

  constructor(manifest: PipelineManifest, params: Readonly<Record<string, unknown>>) {
    this.#manifest = manifest;
    this.#params = params;
  }

  setPlanned(stage: PlannedStage, planned: Planned): void {
    this.#planned.set(stage, planned);
  }

  /** The files that an item has made. */
  of(stage: PlannedStage, key: string, output: string): string[] {
    return stage.makesFolder ? this.#manifest.outputs(stage.id, key) : [output];
  }

  /**
   * What a stage has made and what is up to date. A stage that was not planned is not run: there it
   * is what was recorded. In one that was planned as far as something has arrived, what is recorded
   * of other items is of an earlier plan, and may be made anew by this one.
   */
  *upToDate(stage: PlannedStage): Generator<string> {
    const planned = this.#planned.get(stage) ?? "all";
    if (planned === "nothing") return;
    const { upstream } = stage;
    if (planned === "all" || upstream === null) {
      for (const row of this.#rows(stage)) yield* this.#done(stage, row);
      return;
    }
    for (const key of this.upToDate(upstream)) {
      const row = this.#manifest.find(stage.id, key);
      if (row) yield* this.#done(stage, row);
    }
  }

  /** The items of a stage that are or will be, as far as can be said. Some more than once. */
  *expectedKeys(stage: PlannedStage): Generator<string> {
    const { upstream } = stage;
    const planned = this.#planned.get(stage) ?? "all";
    if (planned === "all" || upstream === null) {
      yield* this.#manifest.keys(stage.id);
      return;
    }
    const { gather } = stage.definition;
    for (const path of this.#expected(upstream))
      yield gather === undefined ? path : this.groupOf(gather, path);
  }

  /** Which item of a gathering stage a file goes into. */
  groupOf(pattern: string, path: string): string {
    if (pattern === "all") return "all";
    return fillIn(pattern, { input: path, key: path, output: "", params: this.#params });
  }

  *#expected(stage: PlannedStage): Generator<string> {
    // What will be in a folder nobody knows before it is made.
    if (stage.makesFolder || !this.#planned.has(stage)) {
      yield* this.upToDate(stage);
      return;
    }
    for (const key of this.expectedKeys(stage)) {
      const { output } = stage.place(key);
      if (output !== null) yield output;
    }
  }

  *#done(stage: PlannedStage, { key, state, output }: ItemRow): Generator<string> {
    if (state === itemState.done && output !== null) yield* this.of(stage, key, output);
  }

  *#rows({ id }: PlannedStage): Generator<ItemRow> {
    const rows = this.#manifest.items(id);
    for (let next = rows.next(); !next.done; next = rows.next()) yield next.value;
  }
}
