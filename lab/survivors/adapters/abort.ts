/**
 * Unlike that of `AbortSignal.timeout` its timer keeps the process alive: a pool may have let go
 * of its worker.
 */
export function abortAfter(deadlineMs: number | null): AbortSignal {
  const controller = new AbortController();
  if (deadlineMs !== null) setTimeout(() => controller.abort(), deadlineMs);
  return controller.signal;
}

/** For the rejection of a task that was aborted; everything else is an error. */
export function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === "AbortError")) throw error;
}
