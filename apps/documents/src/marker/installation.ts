import { MarkerError } from "./marker-error.ts";

/** Remembers that the installation is at fault, so that not every document has to find out. */
export class Installation {
  #broken: MarkerError | null = null;

  /** Rejects at once after a call has rejected with `MARKER_SETUP`. */
  async watch<Value>(work: () => Promise<Value>): Promise<Value> {
    this.check();
    try {
      return await work();
    } catch (error) {
      this.learn(error);
      throw error;
    }
  }

  learn(error: unknown): void {
    if (error instanceof MarkerError && error.code === "MARKER_SETUP") this.#broken ??= error;
  }

  /** Throws what was learnt. */
  check(): void {
    if (this.#broken) throw this.#broken;
  }
}
