export interface ParallelOptions {
  readonly concurrency: number;
  /** Called when no input is taken up until one in work has ended: there are enough, or no more. */
  readonly onFull: () => void;
  /** Called, and waited for, before each input is taken up. */
  readonly before: () => Promise<void>;
}

/**
 * Works on inputs, so many at once, and gives results as they come. The source is read no faster
 * than that. Rejects with the first rejection of `work`.
 */
export async function* inParallel<Input, Result>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  work: (input: Input) => Promise<Result>,
  options: ParallelOptions,
): AsyncGenerator<Result> {
  const source = iterate(inputs);
  const running = new Set<Promise<{ result: Result; self: Promise<unknown> }>>();
  let isEnd = false;
  for (;;) {
    while (!isEnd && running.size < options.concurrency) {
      const { value, done } = await source.next();
      if (done === true) {
        isEnd = true;
        break;
      }
      await options.before();
      const self: Promise<{ result: Result; self: Promise<unknown> }> = work(value).then(
        (result) => ({ result, self }),
      );
      self.catch(() => undefined); // looked at below; another may have rejected first
      running.add(self);
    }
    if (running.size === 0) return;
    options.onFull();
    const { result, self } = await Promise.race(running);
    running.delete(self as Promise<{ result: Result; self: Promise<unknown> }>);
    yield result;
  }
}

async function* iterate<Input>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
): AsyncGenerator<Input, void> {
  yield* inputs;
}
