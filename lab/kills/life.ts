import { setTimeout as delay } from "node:timers/promises";
import { type Census, describeProcess, openCensus } from "../census/index.ts";
import { CLEANUP_DEADLINE_MS, endLeftovers } from "../kill.ts";
import type { StormPlace } from "./place.ts";
import type { Tier } from "./plan.ts";
import { RuntimeProcess } from "./runtime-process.ts";

/** A runtime that hangs so long is not going to go on. */
const HANG_MS = 60_000;
const POLL_MS = 5;

/** One runtime, and the census that was opened before it. */
export interface Life {
  readonly runtime: RuntimeProcess;
  readonly census: Census;
  readonly startedAt: number;
  /** Its scope is open, and all that was dead has been swept. */
  isOpen: boolean;
  /** It was told to run tasks. */
  isWorking: boolean;
}

/** What ends in a violation ends the round; the message says what must not be. */
export class Violation extends Error {
  override name = "Violation";
}

/**
 * The runtimes of one storm, one after the other, all in the same place. A dead one leaves a debt,
 * which the next one to open its scope has to pay: nothing of the dead may be there any more.
 */
export class Lives {
  readonly #tier: Tier;
  readonly #place: StormPlace;
  readonly #withinMs: number;
  #debts: Census[] = [];

  constructor(tier: Tier, place: StormPlace, withinMs: number) {
    this.#tier = tier;
    this.#place = place;
    this.#withinMs = withinMs;
  }

  begin(): Life {
    const census = openCensus({ scratch: [] });
    const { temporary, cache } = this.#place;
    const place = { temporary, cache, ready: this.#place.makeReady() };
    const startedAt = performance.now();
    const runtime = new RuntimeProcess(this.#tier, this.#place.programs, place, census.env);
    return { runtime, census, startedAt, isOpen: false, isWorking: false };
  }

  /** Waits for the open scope. Throws a {@link Violation} when something of the dead is left. */
  async open(life: Life): Promise<void> {
    if (life.isOpen) return;
    if (!(await life.runtime.whenOpen(HANG_MS)))
      throw new Violation(`the scope did not open: ${life.runtime.complaint}`);
    life.isOpen = true;
    const debts = this.#debts.splice(0);
    const left = await this.#vanish(() => debts.flatMap(describeLeft));
    if (left.length > 0) {
      for (const census of debts) await endLeftovers(census, CLEANUP_DEADLINE_MS);
      throw new Violation(`left after the next start: ${left.join("; ")}`);
    }
    // A keeper that is killed right after it has opened is being replaced: the next one sweeps it.
    const runs = await this.#settleRuns();
    if (runs.length !== 1)
      throw new Violation(`folders of runs after the next start: ${runs.join(", ")}`);
  }

  /** Waits until all lanes have a task that is ready. */
  async steady(life: Life): Promise<void> {
    if (!(await life.runtime.whenSteady(HANG_MS)))
      throw new Violation(`the tasks do not run: ${life.runtime.complaint}`);
  }

  /** For one that was told to close: it must end in order, and truthfully. */
  async closed({ runtime, census }: Life): Promise<void> {
    if (!(await runtime.whenEnded(HANG_MS))) throw new Violation("the runtime does not close");
    if (runtime.closed === null || runtime.child.exitCode !== 0)
      throw new Violation(`the scope did not close in order: ${runtime.complaint}`);
    const left = await this.#vanish(() => [...describeLeft(census), ...this.#place.runs()]);
    if (left.length > 0)
      throw new Violation(
        `the scope closed with ${runtime.closed.left} left by its own word, and left is: ${left.join("; ")}`,
      );
    if (runtime.closed.left + runtime.left > 0)
      throw new Violation("it says that processes are left, and none is");
  }

  /**
   * After the death of a runtime's Node. `false`: something of it still runs, and the next start has
   * to end it.
   */
  async died({ runtime, census }: Life): Promise<boolean> {
    if (!(await runtime.whenEnded(HANG_MS))) throw new Violation("a killed Node does not die");
    this.#debts.push(census);
    this.#place.runs();
    // Without a keeper nobody is there to end anything.
    const withinMs = this.#tier === "group" ? 0 : this.#withinMs;
    const { emptyAfterMs } = await census.waitUntilEmpty(withinMs, { what: "processes" });
    if (this.#tier !== "namespace") return emptyAfterMs !== null;
    const left = await this.#vanish(() => describeLeft(census));
    if (left.length > 0) throw new Violation(`still there: ${left.join("; ")}`);
    return true;
  }

  /** A keeper that has outlived Node removes the run's folder. */
  async folderGone(): Promise<void> {
    const runs = await this.#vanish(() => this.#place.runs());
    if (runs.length > 0) throw new Violation(`the keeper left the folder ${runs.join(", ")}`);
  }

  /** Ends what a violation has left, so that the next round begins in peace. */
  async abandon({ runtime, census }: Life): Promise<void> {
    if (!runtime.hasEnded) runtime.child.kill("SIGKILL");
    await runtime.ended;
    await endLeftovers(census, CLEANUP_DEADLINE_MS);
  }

  /** The folders of runs once there is one alone, or those that stay. */
  async #settleRuns(): Promise<string[]> {
    const end = performance.now() + this.#withinMs;
    for (;;) {
      const runs = this.#place.runs();
      if (runs.length === 1 || performance.now() > end) return runs;
      await delay(POLL_MS);
    }
  }

  async #vanish(look: () => string[]): Promise<string[]> {
    const end = performance.now() + this.#withinMs;
    for (;;) {
      const left = look();
      if (left.length === 0 || performance.now() > end) return left;
      await delay(POLL_MS);
    }
  }
}

/** What a census sees, in words. Cgroups, which others make too, are looked at at the end. */
export function describeLeft(census: Census): string[] {
  const { processes, ...objects } = census.compare().left;
  return [
    ...processes.map((entry) => describeProcess(entry.process)),
    ...Object.entries({ ...objects, cgroups: [] }).flatMap(([kind, entries]) =>
      entries.length === 0 ? [] : [`${entries.length} × ${kind}`],
    ),
  ];
}
