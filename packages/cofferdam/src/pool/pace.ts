/** How far ahead a worker is sent work: about so much time's worth of it. */
const aheadUs = 1000;
const aheadMax = 128;
/** Above this nothing is sent ahead: a round trip is short beside it, and a slow task strands it. */
const slowUs = 5000;
/** Below this, and after so many, results are told together. */
const tinyUs = 50;
const tinyAfter = 64;

/**
 * How long the tasks of one function take, in microseconds. One slow task among a thousand counts
 * for long: what is sent ahead behind it would wait, with other workers idle.
 */
export class Pace {
  #count = 0;
  #mean = 0;
  #longest = 0;

  /** So many tasks took so long together. */
  add(us: number, tasks: number): void {
    this.#count += tasks;
    const each = us / tasks;
    const weight = this.#count === tasks ? 1 : Math.min(0.5, tasks / 16);
    this.#mean += (each - this.#mean) * weight;
    this.#longest = Math.max(us, this.#longest * 0.995 ** tasks);
  }

  /** What the next task should be expected to take. */
  get expectedUs(): number {
    return Math.max(1, this.#mean, this.#longest / 64);
  }

  /** How many tasks a worker may hold, the running one included. */
  get window(): number {
    if (this.#count < 4) return 1;
    const expected = this.expectedUs;
    return expected > slowUs ? 1 : Math.max(2, Math.min(aheadMax, Math.floor(aheadUs / expected)));
  }

  /** So short that one message a result would be most of the work. */
  get tiny(): boolean {
    return this.#count >= tinyAfter && this.expectedUs < tinyUs;
  }
}
