import { backlogMax, type Committer } from "./committer.ts";
import type { StageLane } from "./stage-lane.ts";

/** Arrivals that may wait in memory before the stage that makes them pauses. */
const arrivalsMax = 4_096;
/** Bounded for each item by its containment, and not counted over all. */
const measuredResources = ["memory", "cpus", "threads", "processes"];

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
      this.#hasResources(lane)
    );
  }

  /** Whether all places that another item would need are taken. */
  isFull(lane: StageLane): boolean {
    const needed = lane.slots(lane.inFlight + 1) - lane.slots(lane.inFlight);
    const taken = this.#lanes.reduce((sum, other) => sum + other.slots(other.inFlight), 0);
    return taken + needed > this.#slots;
  }

  #hasResources(lane: StageLane): boolean {
    return countedResources(lane).every(([name, needed]) => {
      const taken = this.#lanes.reduce((sum, other) => {
        const [, each = 0] = countedResources(other).find(([one]) => one === name) ?? [];
        return sum + each * other.slots(other.inFlight);
      }, 0);
      return taken + needed <= (this.#resources.get(name) ?? 1);
    });
  }
}

function countedResources({ stage }: StageLane): [string, number][] {
  const { resources } = stage.definition;
  if (!resources) return [];
  return Object.entries(resources).filter(
    (entry): entry is [string, number] => !measuredResources.includes(entry[0]),
  );
}
