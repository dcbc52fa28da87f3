import { itemState } from "../manifest/index.ts";
import type { Planner } from "../plan/index.ts";
import type { Announcements } from "./announcements.ts";
import type { Committer } from "./committer.ts";
import type { StageLane } from "./stage-lane.ts";

/** Turns what a stage has made into the items of the stages that read it. */
export class Arrivals {
  readonly #planner: Planner;
  readonly #committer: Committer;
  readonly #announcements: Announcements;

  constructor(planner: Planner, committer: Committer, announcements: Announcements) {
    this.#planner = planner;
    this.#committer = committer;
    this.#announcements = announcements;
  }

  /** Resolves when they are recorded, and those of the stages after that have no need to run. */
  async add(lane: StageLane, outputs: readonly string[]): Promise<void> {
    for (const next of lane.downstream) {
      if (next.stage.definition.gather !== undefined) continue;
      for (const key of outputs) await this.#addOne(next, key);
    }
  }

  /** Of outputs that are no longer made. Within a transaction. */
  forget(lane: StageLane, outputs: readonly string[]): void {
    for (const path of outputs)
      for (const next of lane.downstream) this.#planner.forgetArrival(next.stage, path);
  }

  async #addOne(lane: StageLane, key: string): Promise<void> {
    const { stage, counts } = lane;
    const { verdict, output, apply } = await this.#planner.judgeArrival(stage, key);
    const state = stage.waits ? itemState.pending : itemState.queued;
    await this.#committer.commit({ move: null, record: () => apply(state) });
    counts.discovered++;
    switch (verdict.action) {
      case "run":
        lane.toRun++;
        lane.because(verdict.reason);
        if (!stage.waits) lane.queue.push(key, output);
        break;
      case "skip": {
        counts.skipped++;
        if (output !== null) await this.add(lane, this.#planner.outputsOf(stage, key, output));
        break;
      }
      case "leave":
        counts.quarantined++;
        break;
      case "refuse":
        counts.failed++;
        this.#announcements.refused(lane, [{ item: key, message: verdict.message }]);
    }
    this.#announcements.discovered(lane, false);
  }
}
