import { totalmem } from "node:os";
import { countedResources } from "../config/index.ts";
import { backlogMax, type Committer } from "./committer.ts";
import { memoryOf } from "./executors.ts";
import type { StageLane } from "./stage-lane.ts";

/** Arrivals that may wait in memory before the stage that makes them pauses. */
const arrivalsMax = 4_096;

/** Which stage may start another item: places and resources are all stages' together. */
export class Admission {
  readonly #lanes: readonly StageLane[];
  /** Items at once, over all stages. */
  readonly #slots: number;
  /** What there is of each named resource; one of those that are not named here. */
  readonly #resources: ReadonlyMap<string, number>;
  readonly #committer: Committer;

  constructor(
    lanes: readonly StageLane[],
    slots: number,
    resources: Readonly<Record<string, number>>,
    committer: Committer,
  ) {
    this.#lanes = lanes;
    this.#slots = slots;
    this.#resources = new Map(Object.entries(resources));
    this.#committer = committer;
  }

  mayStart(lane: StageLane): boolean {
    return (
      lane.inFlight < lane.capacity &&
      !this.isFull(lane) &&
      this.#committer.backlog < backlogMax &&
      lane.downstream.every(({ stage, queue }) => stage.waits || queue.waiting < arrivalsMax) &&
      this.#hasResources(lane) &&
      this.#hasMemory(lane)
    );
  }

  /** Whether all places that another item would need are taken. */
  isFull(lane: StageLane): boolean {
    const needed = lane.slots(lane.inFlight + 1) - lane.slots(lane.inFlight);
    const taken = this.#lanes.reduce((sum, other) => sum + other.slots(other.inFlight), 0);
    return taken + needed > this.#slots;
  }

  /** Whether the machine has memory for one more, if all that run take what they may. */
  #hasMemory(lane: StageLane): boolean {
    const { definition } = lane.stage;
    const more = lane.slots(lane.inFlight + 1) - lane.slots(lane.inFlight);
    const needed = more * (memoryOf(definition) ?? 0);
    if (needed === 0) return true;
    const taken = this.#lanes.reduce(
      (sum, other) => sum + (memoryOf(other.stage.definition) ?? 0) * other.slots(other.inFlight),
      0,
    );
    // One that needs more than there is runs alone.
    return taken === 0 || taken + needed <= totalmem();
  }

  #hasResources(lane: StageLane): boolean {
    return countedResources(lane.stage.definition).every(([name, needed]) => {
      const taken = this.#lanes.reduce((sum, other) => {
        const [, each = 0] =
          countedResources(other.stage.definition).find(([one]) => one === name) ?? [];
        return sum + each * other.slots(other.inFlight);
      }, 0);
      return taken + needed <= (this.#resources.get(name) ?? 1);
    });
  }
}
