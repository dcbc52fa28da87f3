import { CofferdamError } from "../errors/index.ts";
import { SlidingWindow } from "./sliding-window.ts";

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

/** One call of a map. */
export interface Call {
  /** Of its arguments, as they are sent. */
  readonly bytes: number;
  cancel(): void;
}

/** How a map starts one call. Exactly one of the two is called, later. */
export type StartCall<Input, Value> = (
  input: Input,
  succeed: (value: Value) => void,
  fail: (error: unknown) => void,
) => Call;

/** How many calls at a time keep the workers busy, or, of large inputs, let none of them wait. */
export type Appetite = (large: boolean) => number;

/** Ordered, so many results may wait for a slower one before them, for each call at a time. */
const waitingResults = 8;
/**
 * Inputs are kept until their results are given on. When they are larger than this together, only
 * so many more are read that no worker waits.
 */
const aheadBytes = 64 * 1024 * 1024;
/** Smaller ones are not counted: there are never so many. */
const countedBytes = 4096;

/**
 * Calls for each input, with as many calls at a time as `appetite` says. One failure is that
 * input's result and stops nothing else; an error of the source, or that `whyOver` gives because no
 * call can be made any more, is thrown after the results of what was read before. Leaving the loop
 * cancels what was started.
 */
export async function* mapCalls<Input, Value>(
  start: StartCall<Input, Value>,
  inputs: Iterable<Input> | AsyncIterable<Input>,
  appetite: Appetite,
  whyOver: () => Error | undefined,
  { ordered = true }: MapOptions,
): AsyncGenerator<MapResult<Input, Value>> {
  const map = new OngoingMap(start, appetite, whyOver, ordered);
  const reading = map.read(inputs);
  reading.catch(() => undefined); // told below, after what was read before
  try {
    for (;;) {
      for (let result = map.next(); result; result = map.next()) yield result;
      if (map.finished) break;
      await map.changed();
    }
    await reading;
  } finally {
    map.stop();
    await map.settled();
    // It may be waiting for a value that never comes.
    if (!map.asking) await reading.catch(() => undefined);
  }
}

class OngoingMap<Input, Value> {
  readonly #start: StartCall<Input, Value>;
  readonly #appetite: Appetite;
  readonly #whyOver: () => Error | undefined;
  readonly #ordered: boolean;
  /** Each running call, in a slot of its own. */
  readonly #calls: (Call | undefined)[] = [];
  /** Of the results whose inputs are counted. */
  readonly #bytesOf = new Map<MapResult<Input, Value>, number>();
  #bytes = 0;
  readonly #freeSlots: number[] = [];
  /** By index; where order does not matter, by the order in which they came. */
  readonly #results = new SlidingWindow<MapResult<Input, Value>>();
  #running = 0;
  #started = 0;
  #came = 0;
  #given = 0;
  #read = false;
  #source: AsyncIterator<Input> | Iterator<Input> | undefined;
  /** The source was asked for a value, and has not given it yet. */
  asking = false;
  #stopped = false;
  #wakeGiver: (() => void) | undefined;
  #wakeReader: (() => void) | undefined;

  constructor(
    start: StartCall<Input, Value>,
    appetite: Appetite,
    whyOver: () => Error | undefined,
    ordered: boolean,
  ) {
    this.#start = start;
    this.#appetite = appetite;
    this.#whyOver = whyOver;
    this.#ordered = ordered;
  }

  /** Everything that was read has been given on. */
  get finished(): boolean {
    return this.#read && this.#given === this.#started;
  }

  /** Starts a call for each input, no faster than the results are taken. */
  async read(inputs: Iterable<Input> | AsyncIterable<Input>): Promise<void> {
    let exhausted = false;
    try {
      const source = (this.#source = iterate(inputs));
      while (this.#wanted()) {
        if (!this.#hungry()) {
          await new Promise<void>((resolve) => (this.#wakeReader = resolve));
          continue;
        }
        const over = this.#whyOver();
        if (over) throw over;
        exhausted = true; // as long as it has not given anything: one that throws has ended
        const next = source.next();
        const step = "then" in next ? await this.#whenGiven(next) : next;
        exhausted = step.done === true;
        if (step.done !== true && this.#wanted()) this.#call(step.value);
        if (exhausted) break;
      }
    } finally {
      this.#read = true;
      this.#wakeGiver?.();
      if (exhausted) this.#source = undefined;
      await this.#release();
    }
  }

  async #whenGiven(next: PromiseLike<IteratorResult<Input>>): Promise<IteratorResult<Input>> {
    this.asking = true;
    try {
      return await next;
    } finally {
      this.asking = false;
    }
  }

  /** Nothing more is wanted of the source. */
  async #release(): Promise<void> {
    const source = this.#source;
    this.#source = undefined;
    await source?.return?.();
  }

  /** The next result, if there is one now. */
  next(): MapResult<Input, Value> | undefined {
    const result = this.#results.shift();
    if (!result) return undefined;
    this.#given++;
    if (this.#bytesOf.size > 0) {
      this.#bytes -= this.#bytesOf.get(result) ?? 0;
      this.#bytesOf.delete(result);
    }
    if (this.#wakeReader && this.#hungry()) {
      this.#wakeReader();
      this.#wakeReader = undefined;
    }
    return result;
  }

  async changed(): Promise<void> {
    await new Promise<void>((resolve) => (this.#wakeGiver = resolve));
  }

  stop(): void {
    this.#stopped = true;
    this.#wakeReader?.();
    if (this.asking) this.#release().catch(() => undefined);
    for (const call of [...this.#calls]) call?.cancel();
  }

  /** Resolves when no call is running. */
  async settled(): Promise<void> {
    while (this.#running > 0) await this.changed();
  }

  /** False once the loop over the results was left; it may be while the source is waited for. */
  #wanted(): boolean {
    return !this.#stopped;
  }

  #hungry(): boolean {
    const large = this.#bytes > aheadBytes;
    const most = this.#appetite(large);
    const unread = this.#started - this.#given;
    const room = large ? most : this.#ordered ? most * waitingResults : most * 2;
    return this.#running < most && unread < room;
  }

  #call(input: Input): void {
    const index = this.#started++;
    const slot = this.#freeSlots.pop() ?? this.#calls.length;
    this.#calls[slot] = undefined;
    this.#running++;
    let settled = false as boolean;
    let bytes = 0;
    const settle = (result: MapResult<Input, Value>): void => {
      settled = true;
      this.#running--;
      this.#calls[slot] = undefined;
      this.#freeSlots.push(slot);
      if (bytes > 0) this.#bytesOf.set(result, bytes);
      this.#results.set(this.#ordered ? index : this.#came++, result);
      this.#wakeGiver?.();
      this.#wakeReader?.();
    };
    try {
      const call = this.#start(
        input,
        (value) => settle({ index, input, ok: true, value }),
        (error) => settle({ index, input, ok: false, error }),
      );
      if (settled) return;
      this.#calls[slot] = call;
      if (call.bytes < countedBytes) return;
      bytes = call.bytes;
      this.#bytes += bytes;
    } catch (error) {
      settle({ index, input, ok: false, error });
    }
  }
}

function iterate<Input>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
): AsyncIterator<Input> | Iterator<Input> {
  const given = inputs as Partial<Iterable<Input> & AsyncIterable<Input>> | null | undefined;
  const source = given?.[Symbol.asyncIterator]?.() ?? given?.[Symbol.iterator]?.();
  if (source) return source;
  const type = (inputs as unknown) === null ? "null" : typeof inputs;
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `map takes an iterable or an async iterable (an array, or what a generator function returns), not a value of type ${type}`,
  );
}
