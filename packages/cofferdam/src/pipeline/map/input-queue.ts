import type { Inputs } from "./inputs.ts";

export interface NumberedInput {
  /** Null when it is not valid UTF-8. */
  readonly input: string | null;
  /** Counts from 1. */
  readonly number: number;
}

/** Hands inputs to many takers, one batch in memory. */
export class InputQueue {
  readonly #inputs: Inputs;
  readonly #batches: AsyncIterator<readonly (string | null)[]>;
  #batch: readonly (string | null)[] = [];
  #at = 0;
  #number = 0;
  #ended = false;
  #loading: Promise<void> | undefined;
  /** Lets go who waits for the batch that is being loaded. */
  #letGo: (() => void) | undefined;
  /** How many have been read so far. */
  read = 0;

  constructor(inputs: Inputs) {
    this.#inputs = inputs;
    this.#batches = inputs.batches[Symbol.asyncIterator]();
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

  #load(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#letGo = resolve;
      this.#batches.next().then((next) => {
        this.#accept(next);
        resolve();
      }, reject);
    });
  }

  #accept(next: IteratorResult<readonly (string | null)[]>): void {
    if (this.#ended) return;
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

  /**
   * Lets go of the source, also halfway. There are no more inputs then, for those who wait either:
   * the next line of a terminal or of a slow program may be hours away.
   */
  close(): void {
    this.#ended = true;
    this.#batch = [];
    this.#at = 0;
    this.#letGo?.();
    this.#inputs.close();
  }
}
