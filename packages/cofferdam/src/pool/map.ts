export interface MapOptions {
  /** Results in the order of the inputs (the default), or as they come. */
  readonly ordered?: boolean;
}

/** What became of one input. */
export type MapResult<Input, Value> = {
  readonly index: number;
  readonly input: Input;
} & (
  | { readonly ok: true; readonly value: Value; readonly error?: undefined }
  | { readonly ok: false; readonly value?: undefined; readonly error: unknown }
);

/**
 * Calls for each input with bounded concurrency. One failure is that input's result and stops
 * nothing else; an error of the source itself is thrown after what was started has ended.
 */
export async function* mapWithPool<Input, Value>(
  call: (input: Input) => Promise<Value>,
  inputs: Iterable<Input> | AsyncIterable<Input>,
  workers: number,
  { ordered = true }: MapOptions,
): AsyncGenerator<MapResult<Input, Value>> {
  // One ahead for each worker, so that none waits for the reader of the results.
  const ahead = workers * 2;
  const running = new Map<number, Promise<MapResult<Input, Value>>>();
  const source = iterate(inputs);
  let index = 0;
  let exhausted = false;
  try {
    for (;;) {
      while (!exhausted && running.size < ahead) {
        const next = await source.next();
        if (next.done) exhausted = true;
        else running.set(index, settle(call, next.value, index++));
      }
      const first = running.keys().next();
      if (first.done) return;
      const oldest = running.get(first.value);
      const result = await (ordered && oldest ? oldest : Promise.race(running.values()));
      running.delete(result.index);
      yield result;
    }
  } finally {
    await Promise.all(running.values());
    if (!exhausted) await source.return?.();
  }
}

function iterate<Input>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
): AsyncIterator<Input> | Iterator<Input> {
  return Symbol.asyncIterator in inputs
    ? inputs[Symbol.asyncIterator]()
    : inputs[Symbol.iterator]();
}

async function settle<Input, Value>(
  call: (input: Input) => Promise<Value>,
  input: Input,
  index: number,
): Promise<MapResult<Input, Value>> {
  try {
    return { index, input, ok: true, value: await call(input) };
  } catch (error) {
    return { index, input, ok: false, error };
  }
}
