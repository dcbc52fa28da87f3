import type { CofferdamEvent, EventListener, ItemOutcome } from "cofferdam";
import type { Refusal, StageResult } from "./stage-result.ts";

/** Counts what becomes of the inputs of a stage, and tells of each. */
export class Accounting {
  readonly #since = performance.now();
  readonly #title: StageResult["title"];
  readonly #total: number;
  readonly #onEvent: EventListener | undefined;
  readonly #reasons = new Map<string, number>();
  readonly #refusals: Refusal[] = [];
  #ok = 0;
  #okBefore = 0;
  #skipped = 0;
  #produced = 0;
  #notNumbers = 0;

  constructor(
    title: StageResult["title"],
    total: number,
    workers: number,
    onEvent: EventListener | undefined,
  ) {
    this.#title = title;
    this.#total = total;
    this.#onEvent = onEvent;
    this.#emit({ type: "run-started", at: Date.now(), title, workers });
    this.#emit({ type: "items-discovered", at: Date.now(), total, final: true });
  }

  because(reason: string): void {
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  ok(source: string, done: { produced: number; notNumbers?: number; before?: boolean }): void {
    this.#ok++;
    if (done.before) this.#okBefore++;
    this.#produced += done.produced;
    this.#notNumbers += done.notNumbers ?? 0;
    this.#finish(source, "done");
  }

  skipped(source: string): void {
    this.#skipped++;
    this.#finish(source, "skipped");
  }

  refused(refusal: Refusal): void {
    this.#refusals.push(refusal);
    this.#finish(refusal.source, "failed", refusal);
  }

  close(rest: Pick<StageResult, "interrupted" | "scope" | "processTimes">): StageResult {
    const refused = this.#refusals.length;
    const counts = {
      total: this.#total,
      ok: this.#ok,
      okBefore: this.#okBefore,
      skipped: this.#skipped,
      refused,
      pending: this.#total - this.#ok - this.#skipped - refused,
    };
    const durationMs = performance.now() - this.#since;
    this.#emit({
      type: "run-finished",
      at: Date.now(),
      durationMs,
      interrupted: rest.interrupted,
      counts: {
        total: counts.total,
        done: counts.ok,
        skipped: counts.skipped,
        failed: refused,
        quarantined: 0,
        pending: counts.pending,
      },
    });
    return {
      title: this.#title,
      counts,
      reasons: Object.fromEntries(this.#reasons),
      refusals: this.#refusals.sort((a, b) => (a.source < b.source ? -1 : 1)),
      produced: this.#produced,
      notNumbers: this.#notNumbers,
      durationMs,
      ...rest,
    };
  }

  #finish(item: string, outcome: ItemOutcome, error?: { code: string; message: string }): void {
    this.#emit({
      type: "item-finished",
      at: Date.now(),
      item,
      outcome,
      durationMs: 0,
      ...(error ? { error: { code: error.code, message: error.message } } : {}),
    });
  }

  #emit(event: CofferdamEvent): void {
    this.#onEvent?.(event);
  }
}
