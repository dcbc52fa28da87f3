const samplesMax = 512;
const samplesMin = 10;

/** The median of the last durations, once there are enough to speak of one. */
export class RunningMedian {
  readonly #samples: number[] = [];
  #next = 0;

  add(value: number): void {
    this.#samples[this.#next] = value;
    this.#next = (this.#next + 1) % samplesMax;
  }

  value(): number | undefined {
    if (this.#samples.length < samplesMin) return undefined;
    return this.#samples.toSorted((a, b) => a - b)[this.#samples.length >> 1];
  }
}
