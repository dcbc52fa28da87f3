/** Why an item failed, as far as a retry can depend on it. */
export const failureCauses = [
  "exit", // an exit code other than 0, or a function that threw
  "signal", // a signal that was not ours
  "timeout",
  "memory",
  "crash", // a worker that died
  "output", // ended well without its output, or the output could not be kept
  "input", // the input was gone, or changed while it was worked on
] as const;

export type FailureCause = (typeof failureCauses)[number];
