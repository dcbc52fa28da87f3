import type { Inputs } from "./inputs.ts";

export interface NumberedInput {
  /** Null when it is not valid UTF-8. */
  readonly input: string | null;
  /** Counts from 1. */
  readonly number: number;
}

/** Hands inputs to many takers, one batch in memory. */
export class InputQueue {
  readonly #batches: AsyncIterator<readonly (string | null)[]>;
  #batch: readonly (string | null)[] = [];
  #at = 0;
  #number = 0;
  #ended = false;
  #loading: Promise<void> | undefined;
  /** How many have been read so far. */
  read = 0;

  constructor(inputs: Inputs) {
    this.#batches = inputs.batches[Symbol.asyncIterator]();
  }

  get exhausted(): boolean {
    return this.#ended;
  }

  /** Null when there are no more. */
  async take(): Promise<NumberedInput | null> {
    while (this.#at >= this.#batch.length) {
      if (this.#ended) return null;
      await (this.#loading ??= this.#load());
    }
    const input = this.#batch[this.#at++] ?? null;
    return { input, number: ++this.#number };
  }

  async #load(): Promise<void> {
    const next = await this.#batches.next();
    if (next.done) {
      this.#ended = true;
      this.#batch = [];
    } else {
      this.#batch = next.value;
      this.read += next.value.length;
    }
    this.#at = 0;
    this.#loading = undefined;
  }

  /** Lets go of the source, also halfway. */
  async close(): Promise<void> {
    await this.#batches.return?.();
  }
}
