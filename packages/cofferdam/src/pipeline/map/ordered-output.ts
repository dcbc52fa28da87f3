/** How far ahead of the oldest unfinished job others may run while their output is held back. */
const windowJobs = 4096;

/** Gives a job's output to whom it is for. It has been passed on when this has returned or resolved. */
export type PassOn = (output: JobOutput) => Promise<void> | void;

interface FinishedJob {
  readonly output: JobOutput | null;
  readonly onPassedOn: () => void;
}

/**
 * Passes on what jobs wrote, each job's together: as they finish, or in the order of the inputs. What
 * is held behind a job that never finishes is not passed on at all: who resumes such a run adds to
 * its output, and the two together are in order.
 */
export class OrderedOutput {
  readonly #write: PassOn;
  readonly #ordered: boolean;
  readonly #held = new Map<number, FinishedJob>();
  readonly #waiting: { readonly number: number; readonly go: () => void }[] = [];
  #next = 1;
  #passing: Promise<void> | undefined;
  #released = false;
  #broken = false;

  constructor(ordered: boolean, write: PassOn) {
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

  /**
   * Each number once; null for a job without output. Calls `onPassedOn` when the output has been
   * passed on, which may be long after this has resolved, or never. Resolves when all is passed on
   * that can be, so that jobs are no faster than who reads their output. Rejects when passing on or
   * an `onPassedOn` fails; nothing more is passed on then.
   */
  async finish(number: number, output: JobOutput | null, onPassedOn = nothing): Promise<void> {
    if (!this.#ordered) {
      await this.#passOn({ output, onPassedOn });
      return;
    }
    this.#held.set(number, { output, onPassedOn });
    await (this.#passing ?? this.#passHeld());
  }

  #passHeld(): Promise<void> | undefined {
    if (!this.#held.has(this.#next)) return;
    this.#passing = this.#passInOrder();
    return this.#passing;
  }

  async #passInOrder(): Promise<void> {
    try {
      for (let job; (job = this.#held.get(this.#next));) {
        this.#held.delete(this.#next);
        await this.#passOn(job);
        this.#next++;
        while (this.#waiting[0] && this.#waiting[0].number < this.#next + windowJobs)
          this.#waiting.shift()?.go();
      }
    } finally {
      // In the same turn as the last look at what is held: who finishes next looks again.
      this.#passing = undefined;
    }
  }

  async #passOn({ output, onPassedOn }: FinishedJob): Promise<void> {
    if (this.#broken) return;
    try {
      const passing = output === null ? undefined : this.#write(output);
      // A SIGKILL between an output and its line in the joblog makes it come twice: no turn between.
      if (passing) await passing;
      onPassedOn();
    } catch (error) {
      this.#broken = true;
      throw error;
    }
  }
}

function nothing(): void {
  // Nobody wants to know.
}

/** What a job wrote, a character a byte. */
export interface JobOutput {
  readonly stdout: string;
  readonly stderr: string;
}
