/** Beyond this, old completions no longer say how fast things go … */
const WINDOW_MS = 30_000;
/** … unless there are fewer than this many newer ones: items of ten minutes each are common. */
const WINDOW_COUNT = 16;
/** Completions closer together than this share a sample, so that a window holds few of them. */
const SAMPLE_MS = 250;
/** How fast the shown time left follows the computed one. */
const SMOOTHING_MS = 5000;

export interface Estimate {
  /** Work begins: time before it is not counted. */
  begin(at: number): void;
  /** One more item was worked on (not skipped: skipping says nothing about the rest). */
  completed(at: number): void;
  /** Items per second, or `undefined` while nothing is known. Falls while nothing completes. */
  rate(at: number): number | undefined;
  /** Milliseconds until `remaining` more are done, smoothed, or `undefined`. */
  left(at: number, remaining: number): number | undefined;
}

export function createEstimate(): Estimate {
  let completed = 0;
  const samples: { at: number; completed: number }[] = [];
  let shown: { at: number; left: number } | undefined;

  const rate = (at: number): number | undefined => {
    const first = samples[0];
    if (!first || completed === first.completed) return undefined;
    // A clock set back must not give a negative rate, nor the very first completion an infinite one.
    return ((completed - first.completed) / Math.max(at - first.at, 50)) * 1000;
  };

  return {
    begin(at) {
      if (samples.length === 0) samples.push({ at, completed });
    },
    completed(at) {
      if (samples.length === 0) samples.push({ at, completed });
      completed += 1;
      const last = samples.at(-1);
      // The first sample is the begin of the window and stays what it was.
      if (last && samples.length > 1 && at - last.at < SAMPLE_MS) last.completed = completed;
      else samples.push({ at, completed });
      for (;;) {
        const second = samples[1];
        if (!second || at - second.at < WINDOW_MS) break;
        if (completed - second.completed < WINDOW_COUNT) break;
        samples.shift();
      }
    },
    rate,
    left(at, remaining) {
      const perSecond = rate(at);
      if (perSecond === undefined) return undefined;
      const computed = (remaining / perSecond) * 1000;
      if (!shown || at <= shown.at) {
        shown ??= { at, left: computed };
        return shown.left;
      }
      const elapsed = at - shown.at;
      const weight = 1 - Math.exp(-elapsed / SMOOTHING_MS);
      const expected = Math.max(0, shown.left - elapsed);
      shown = { at, left: expected + (computed - expected) * weight };
      return shown.left;
    },
  };
}
