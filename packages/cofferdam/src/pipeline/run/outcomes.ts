import { dirname, join } from "node:path";
import type { LoadedPipeline } from "../config/index.ts";
import { itemState, type ItemRow } from "../manifest/index.ts";
import type { Planner } from "../plan/index.ts";
import type { PipelineState } from "../state/pipeline-state.ts";
import type { Announcements } from "./announcements.ts";
import { Arrivals } from "./arrivals.ts";
import type { Committer } from "./committer.ts";
import { describeFailure } from "./describe-failure.ts";
import { fateOfFailed, tooManyFailed, type FailurePolicy } from "./failure-policy.ts";
import { FailureFolders, type FailureRecord } from "./failures.ts";
import type { ItemEnd } from "./item-work.ts";
import type { Places } from "./places.ts";
import type { StageLane } from "./stage-lane.ts";

type Ended<Kind extends ItemEnd["kind"]> = Extract<ItemEnd, { kind: Kind }>;

/** Failures that are told one by one in a result. */
const failuresMax = 1_000;

/** Brings an item that was worked on to its end: in its place and recorded, then told. */
export class Outcomes {
  readonly #loaded: LoadedPipeline;
  readonly #state: PipelineState;
  readonly #places: Places;
  readonly #folders: FailureFolders;
  readonly #committer: Committer;
  readonly #announcements: Announcements;
  readonly #arrivals: Arrivals;
  readonly #policy: FailurePolicy;
  readonly #stop: (why: string) => void;
  readonly failures: FailureRecord[] = [];

  constructor(
    setting: {
      readonly loaded: LoadedPipeline;
      readonly state: PipelineState;
      readonly planner: Planner;
      readonly places: Places;
    },
    ways: { readonly committer: Committer; readonly announcements: Announcements },
    policy: FailurePolicy,
    stop: (why: string) => void,
  ) {
    this.#loaded = setting.loaded;
    this.#state = setting.state;
    this.#places = setting.places;
    this.#folders = new FailureFolders(setting.state.failures);
    this.#committer = ways.committer;
    this.#announcements = ways.announcements;
    this.#arrivals = new Arrivals(setting.planner, ways.committer, ways.announcements);
    this.#policy = policy;
    this.#stop = stop;
  }

  /** Resolves when its output is where it belongs, and what it leads to is recorded. */
  async done(
    lane: StageLane,
    row: ItemRow,
    { unfinished, stamp, hash }: Ended<"done">,
    durationMs: number,
  ): Promise<void> {
    const { stage } = lane;
    const { manifest } = this.#state;
    const to = row.output === null ? null : join(this.#loaded.folder, row.output);
    const outputs = this.#outputsOf(lane, row, unfinished);
    const before = stage.makesFolder ? manifest.outputs(stage.id, row.key) : [];
    await this.#committer.commit({
      move: unfinished === null || to === null ? null : { from: unfinished, to },
      record: () => {
        const recorded = { state: itemState.done, recipe: stage.recipeId, stamp, hash };
        manifest.record(stage.id, row.key, recorded, null);
        if (!stage.makesFolder) return;
        manifest.setOutputs(stage.id, row.key, outputs);
        this.#arrivals.forget(
          lane,
          before.filter((path) => !outputs.includes(path)),
        );
      },
    });
    if (unfinished !== null) this.#places.clear(dirname(unfinished));
    this.#folders.forget(stage.name, row.key);
    await this.#arrivals.add(lane, outputs);
    lane.counts.done++;
    this.#announcements.finished(lane, row, durationMs, "done", null);
  }

  /** Leads on from outputs that are up to date, of a stage that was planned while others ran. */
  async unchanged(lane: StageLane, outputs: readonly string[]): Promise<void> {
    await this.#arrivals.add(lane, outputs);
  }

  /** Null where nothing is wrong with the item, but no other could be done either. */
  async failed(
    lane: StageLane,
    row: ItemRow,
    end: Ended<"failed">,
    durationMs: number,
  ): Promise<FailureRecord | null> {
    const { stage } = lane;
    const { failure, stamp, hash, unfinished } = end;
    if (failure.hopeless) {
      if (unfinished !== null) this.#places.clear(unfinished);
      this.#stop(`${stage.name}: ${failure.message}`);
      return null;
    }
    const described = describeFailure(this.#loaded, stage, row, end, durationMs);
    const record = this.#folders.keep(described, failure, unfinished);
    if (unfinished !== null) this.#places.clear(unfinished);
    const fate = fateOfFailed(lane, this.#policy);
    const outcome = fate === "quarantine" ? "quarantined" : "failed";
    const recorded = { state: itemState[outcome], recipe: stage.recipeId, stamp, hash };
    await this.#committer.commit({
      move: null,
      record: () => this.#state.manifest.record(stage.id, row.key, recorded, record),
    });
    lane.counts[outcome]++;
    if (this.failures.length < failuresMax) this.failures.push(record);
    this.#announcements.finished(lane, row, durationMs, outcome, record);
    if (fate === "stop") this.#stop(`an item of ${stage.name} failed: ${row.key}`);
    const tooMany = tooManyFailed(lane, this.#policy);
    if (tooMany !== null) this.#stop(tooMany);
    return record;
  }

  #outputsOf({ stage }: StageLane, { output }: ItemRow, unfinished: string | null): string[] {
    if (!stage.makesFolder) return output === null ? [] : [output];
    if (unfinished === null) return [];
    return this.#places.list(unfinished).map((name) => `${output ?? ""}/${name}`);
  }
}
