/** What every contestant's workers do: nothing, hand bytes back, or take a given time. */
export function noop(): number {
  return 0;
}

export function echo(bytes: Uint8Array): Uint8Array {
  return bytes;
}

/** Blocks for so many milliseconds, and says how many it were. */
export function take(ms: number): number {
  const began = performance.now();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  return performance.now() - began;
}
