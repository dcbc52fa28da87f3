import { openCensus } from "../census/index.ts";
import { whenGone } from "../chaos/strike.ts";
import { describeLeft, type Life, Lives, Violation } from "./life.ts";
import { StormPlace } from "./place.ts";
import {
  isFatal,
  type Phase,
  planRound,
  type Round,
  type Tier,
  type Victim,
  victimsOf,
} from "./plan.ts";
import { killTarget, ORDERS, strike } from "./strike.ts";
import { chooseTarget, type Target } from "./victims.ts";
import { killExactly } from "../kill.ts";

export interface StormOptions {
  readonly tier: Tier;
  /** Those that the tier does not have are left out. */
  readonly victims: readonly Victim[];
  readonly times: number;
  readonly seed: number;
  /** The number of the first round; a round depends on the seed and its number alone. */
  readonly first?: number;
  /** How long whatever a death condemns may still be seen. Default 10 s. */
  readonly goneWithinMs?: number;
  readonly onRound?: (played: Played) => void;
}

/** A round that was played. */
export interface Played {
  readonly number: number;
  readonly victim: Victim;
  readonly phase: Phase;
  /** Milliseconds from the kill until all that it condemns was gone; `null`: only the next start ended it. */
  readonly goneAfterMs: number | null;
  /** How often the runtime was over before its moment, and the round was begun again. */
  readonly missed: number;
  /** What must not be, in words; `null` for a sound round. */
  readonly violation: string | null;
}

export interface StormResult {
  readonly tier: Tier;
  readonly seed: number;
  readonly victims: readonly Victim[];
  readonly rounds: readonly Played[];
  /**
   * Folders of runs that were killed in the instant of making them. With a keeper the next start
   * removes them, without one a start after a minute does.
   */
  readonly cutOff: number;
  /** What is left at the end, after one more start: of any kind, in words. */
  readonly left: readonly string[];
}

/** The machine gives less than the tier that was asked for. */
export class TierUnavailable extends Error {
  override name = "TierUnavailable";
}

/** A runtime outlives no more, so that orderly ends come up as well; and a keeper dies no more in a row. */
const ROUNDS_OF_A_LIFE = 5;
/** With so many misses in a row the moment is that before the phase begins. */
const ATTEMPTS = 8;

/** Kills a part of small runtimes again and again, and has an independent census count after each. */
export async function storm(options: StormOptions): Promise<StormResult> {
  const { tier, seed } = options;
  const victims = victimsOf(tier).filter((victim) => options.victims.includes(victim));
  using place = new StormPlace();
  const whole = openCensus({ scratch: [] });
  const lives = new Lives(tier, place, options.goneWithinMs ?? 10_000);
  const game = new Game(tier, lives);
  await game.rehearse();
  const rounds: Played[] = [];
  const first = options.first ?? 1;
  for (let number = first; victims.length > 0 && number < first + options.times; number++) {
    const played = await game.play(planRound(seed, number, victims));
    options.onRound?.(played);
    rounds.push(played);
  }
  await game.finish();
  const cutOff = place.cutOff().length;
  if (tier === "group") place.ageCutOff();
  const left = [...(await game.oneMoreStart()), ...describeLeft(whole)];
  const cgroups = whole.compare().left.cgroups.filter(({ path }) => place.isOurs(path));
  left.push(...cgroups.map(({ path }) => path));
  left.push(...place.runs(), ...place.cutOff(), ...place.strays());
  return { tier, seed, victims, rounds, cutOff, left };
}

/** Plays rounds, each in the runtime that the last one has left alive, or in a new one. */
class Game {
  readonly #tier: Tier;
  readonly #lives: Lives;
  #life: Life | null = null;
  #roundsOfLife = 0;
  #openMs = 0;

  constructor(tier: Tier, lives: Lives) {
    this.#tier = tier;
    this.#lives = lives;
  }

  /** An undisturbed runtime: it must leave nothing, and shows how long opening takes. Throws else. */
  async rehearse(): Promise<void> {
    const life = this.#begin();
    await this.#lives.open(life);
    this.#openMs = performance.now() - life.startedAt;
    const found = life.runtime.opened?.tree;
    if (found === this.#tier) await this.#work(life);
    await this.finish();
    if (found !== this.#tier) throw new TierUnavailable(`${this.#tier} cannot be had here`);
  }

  async play(round: Round): Promise<Played> {
    const { number, victim, phase } = round;
    let missed = 0;
    try {
      for (; ; missed++) {
        const life = await this.#prepare(round);
        // What has been missed so often is gone sooner than it can be looked for: it is found first.
        const known = missed < ATTEMPTS ? null : chooseTarget(victim, life.runtime.pid, round.prng);
        const order = ORDERS[phase];
        if (order !== null) life.runtime.tell(order);
        const aim = { tier: this.#tier, openMs: this.#openMs, share: 0.5 ** missed };
        const target = known === null ? await strike(life, round, aim) : killTarget(known);
        if (target !== null) {
          const goneAfterMs = await this.#after(life, round, target);
          return { number, victim, phase, goneAfterMs, missed, violation: null };
        }
        if (missed >= 2 * ATTEMPTS) throw new Violation("there was no victim to be found");
        await this.#missed(life, phase);
      }
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      if (this.#life !== null) await this.#lives.abandon(this.#life);
      this.#life = null;
      return { number, victim, phase, goneAfterMs: null, missed, violation: error.message };
    }
  }

  /** Closes what is open. */
  async finish(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    await this.#lives.open(life);
    life.runtime.tell("close");
    await this.#lives.closed(life);
    this.#life = null;
  }

  /** Gives what is wrong about it, in words. */
  async oneMoreStart(): Promise<string[]> {
    try {
      this.#begin();
      await this.finish();
      return [];
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return [error.message];
    }
  }

  #begin(): Life {
    this.#roundsOfLife = 0;
    return (this.#life = this.#lives.begin());
  }

  async #work(life: Life): Promise<Life> {
    await this.#lives.open(life);
    if (!life.isWorking) life.runtime.tell("run");
    life.isWorking = true;
    await this.#lives.steady(life);
    return life;
  }

  async #prepare({ phase }: Round): Promise<Life> {
    if (phase === "sweeping") await this.#leaveDeadRun();
    if (phase === "opening" || this.#roundsOfLife >= ROUNDS_OF_A_LIFE) await this.finish();
    const life = this.#life ?? this.#begin();
    this.#roundsOfLife++;
    if (phase === "opening" || phase === "sweeping") return life;
    return this.#work(life);
  }

  /** For the next start to sweep. */
  async #leaveDeadRun(): Promise<void> {
    const life = await this.#work(this.#life ?? this.#begin());
    const together = chooseTarget(this.#tier === "group" ? "node" : "both", life.runtime.pid, {
      next: () => 0,
      pick: ([one]) => one,
    });
    if (together === null) throw new Violation("a running runtime has no keeper");
    for (const part of together.victims) killExactly(part);
    await this.#lives.died(life);
    this.#life = null;
  }

  async #after(life: Life, { victim, phase }: Round, target: Target): Promise<number | null> {
    const struckAt = performance.now();
    if (isFatal(victim)) {
      this.#life = null;
      const gone = await this.#lives.died(life);
      const goneAfterMs = gone ? Math.round(performance.now() - struckAt) : null;
      if (victim === "node" && life.isOpen && this.#tier !== "group")
        await this.#lives.folderGone();
      return goneAfterMs;
    }
    const goneAfterMs = await whenGone(target.doomed, 10_000);
    if (goneAfterMs === null) {
      const names = target.doomed.map(({ pid, comm }) => `${pid} ${comm}`);
      throw new Violation(`of these some are still there: ${names.join(", ")}`);
    }
    if (phase === "closing") {
      await this.#lives.closed(life);
      this.#life = null;
    } else {
      await this.#work(life);
    }
    return goneAfterMs;
  }

  async #missed(life: Life, phase: Phase): Promise<void> {
    if (phase === "closing") {
      await this.#lives.closed(life);
      this.#life = null;
    } else if (life.runtime.hasEnded) {
      throw new Violation(`the runtime ended by itself: ${life.runtime.complaint}`);
    }
  }
}
