/** What `npm run lab` can run. */
export interface Experiment {
  /** One line for the list of experiments. */
  readonly summary: string;
  /** The full help text, ending in a line break. */
  readonly usage: string;
  /** Gives the exit status: 0 when the experiment ran and what it asserts held. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

/** The command line was wrong; the message says how. */
export class UsageError extends Error {
  override name = "UsageError";
}
