/** A stream of random numbers that is the same for the same seed, on every machine. */
export interface Prng {
  /** A number from 0 up to, and without, 1. */
  readonly next: () => number;
  /** One of these; `undefined` if there are none. */
  readonly pick: <T>(from: readonly T[]) => T | undefined;
}

/** Marsaglia's xorshift with 32 bits of state: plenty for choosing moments. */
export function createPrng(seed: number, stream = 0): Prng {
  // The state must not be 0, and seeds close to each other must not begin alike: so they are mixed.
  let state = mix(Math.trunc(seed) ^ mix(stream + 1)) || 0x6d2b79f5;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return { next, pick: (from) => from[Math.floor(next() * from.length)] };
}

/** Spreads each bit of the input over the whole word (two rounds of multiply and shift). */
function mix(value: number): number {
  let word = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  word = Math.imul(word ^ (word >>> 15), 0x2c1b3c6d);
  return word ^ (word >>> 16);
}
