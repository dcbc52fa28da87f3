import { monotonicMs } from "../../clock.ts";
import type { CofferdamEvent, EventListener, ItemOutcome } from "../../events/index.ts";
import type { ItemRow } from "../manifest/index.ts";
import type { FailureRecord } from "./failures.ts";
import type { StageLane } from "./stage-lane.ts";

const discoveredEveryMs = 200;
const refusalsTold = 8;

/** What a run tells of its stages and items, as events. */
export class Announcements {
  readonly #listener: EventListener | undefined;

  constructor(listener: EventListener | undefined) {
    this.#listener = listener;
  }

  /** How many items a stage has; seldom, unless that is final. */
  discovered(lane: StageLane, final: boolean): void {
    const { toRun: total } = lane;
    const now = monotonicMs();
    const isNews = total !== lane.announced && now - lane.announcedAt > discoveredEveryMs;
    if (!final && !isNews) return;
    lane.announced = total;
    lane.announcedAt = now;
    this.#emit({
      ...{ type: "items-discovered", at: Date.now(), stage: lane.name, total },
      final: final || lane.isComplete,
    });
  }

  started(lane: StageLane, { key }: ItemRow, attempt: number): void {
    this.#emit({
      ...{ type: "item-started", at: Date.now(), stage: lane.name, item: key, attempt },
    });
  }

  finished(
    lane: StageLane,
    { key, output }: ItemRow,
    durationMs: number,
    outcome: ItemOutcome,
    failure: FailureRecord | null,
  ): void {
    this.#emit({
      ...{ type: "item-finished", at: Date.now(), stage: lane.name, item: key },
      ...{ outcome, durationMs },
      ...(output === null || failure ? {} : { output }),
      ...(failure ? { error: { code: failure.code, message: failure.message } } : {}),
    });
  }

  /** A gathering stage that is not run. */
  missing(lane: StageLane, inputs: string): void {
    this.warn(
      `${lane.name} is not run: inputs are missing (not done: ${inputs}); allowMissing: true goes on without them`,
    );
  }

  /** Items that are not even tried; the first of a stage are told one by one. */
  refused(lane: StageLane, refusals: readonly { item: string; message: string }[]): void {
    for (const { item, message } of refusals)
      if (lane.refusalsTold++ < refusalsTold)
        this.warn(`${lane.name}: ${item} is refused: ${message}`);
  }

  warn(message: string): void {
    this.#emit({ type: "notice", at: Date.now(), level: "warning", message });
  }

  #emit(event: CofferdamEvent): void {
    this.#listener?.(event);
  }
}
