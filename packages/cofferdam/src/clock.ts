/** As long as a timer can be set for: 24.8 days, where longer would be at once. */
export function timerMs(ms: number): number {
  return Math.min(ms, 2 ** 31 - 1);
}

/**
 * Milliseconds, with fractions, on a clock that nobody sets. As fast as `performance.now()`, whose
 * module takes a millisecond to load: in a worker, and before a first task, that counts.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
