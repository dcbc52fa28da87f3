/** How far ahead of the oldest unfinished job others may run while their output is held back. */
const windowJobs = 4096;

/** Passes on what jobs wrote, each job's together: as they finish, or in the order of the inputs. */
export class OrderedOutput {
  readonly #write: (job: JobOutput) => void;
  readonly #ordered: boolean;
  readonly #held = new Map<number, JobOutput | null>();
  readonly #waiting: { readonly number: number; readonly go: () => void }[] = [];
  #next = 1;
  #released = false;

  constructor(ordered: boolean, write: (job: JobOutput) => void) {
    this.#ordered = ordered;
    this.#write = write;
  }

  /**
   * Resolves when the job may start: at once, unless too much would be held back. False when the
   * run ends instead.
   */
  async mayStart(number: number): Promise<boolean> {
    if (this.#ordered && !this.#released && number >= this.#next + windowJobs)
      await new Promise<void>((go) => this.#waiting.push({ number, go }));
    return !this.#released;
  }

  /** Lets go who waits: the run ends. */
  release(): void {
    this.#released = true;
    for (const { go } of this.#waiting.splice(0)) go();
  }

  /** Each number once; null for a job without output. */
  finish(number: number, output: JobOutput | null): void {
    if (!this.#ordered) {
      if (output) this.#write(output);
      return;
    }
    this.#held.set(number, output);
    for (;;) {
      const next = this.#held.get(this.#next);
      if (next === undefined) break;
      this.#held.delete(this.#next++);
      if (next) this.#write(next);
    }
    while (this.#waiting[0] && this.#waiting[0].number < this.#next + windowJobs)
      this.#waiting.shift()?.go();
  }
}

/** What a job wrote, a character a byte. */
export interface JobOutput {
  readonly stdout: string;
  readonly stderr: string;
}
