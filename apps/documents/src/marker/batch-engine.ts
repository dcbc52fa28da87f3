import { join } from "node:path";
import { CofferdamError, type Scope } from "cofferdam";
import type { Conversion, ConversionContext, Engine } from "../engines/engine.ts";
import { runBatch, type BatchEntry } from "./batch.ts";
import { Installation } from "./installation.ts";
import type { Prepared, Preparation } from "./prepare.ts";
import type { MarkerSettings } from "./settings.ts";
import { convertSingle } from "./single.ts";
import { splitUnfinished } from "./split.ts";

interface Entry extends BatchEntry {
  readonly isSettled: () => boolean;
}

/**
 * Marker, a program for many documents: each of its workers loads the models once.
 *
 *     convert() ─▶ prepared ─▶ gathered ─ N of them, or no more follow ─▶ one `marker`
 *                                 ▲                                          │ dies
 *                                 └── halves ◀── what it left undone ◀───────┘
 *
 * One group is at work at a time. A group of one is a `marker_single`, and its end is final.
 */
export class MarkerBatches implements Engine {
  readonly name = "marker";
  readonly version: string;
  readonly workers: number;
  readonly appetite: number;
  readonly #scope: Scope;
  readonly #settings: MarkerSettings;
  readonly #preparation: Preparation;
  readonly #size: number;
  readonly #installation = new Installation();
  readonly #gathered: Entry[] = [];
  readonly #again: (readonly Entry[])[] = [];
  readonly #closed = new AbortController();
  #atWork: { readonly ended: Promise<void>; readonly stop: AbortController } | null = null;
  #group: readonly Entry[] = [];
  #inPreparation = 0;
  #nextBatch = 1;
  #noneFollow = false;

  constructor(scope: Scope, settings: MarkerSettings, preparation: Preparation, size: number) {
    this.version = settings.marker.version;
    this.workers = settings.workers;
    this.appetite = size;
    this.#scope = scope;
    this.#settings = settings;
    this.#preparation = preparation;
    this.#size = size;
  }

  async convert(path: string, context: ConversionContext): Promise<Conversion> {
    this.#installation.check();
    this.#noneFollow = false;
    this.#inPreparation += 1;
    const prepared = await this.#preparation.prepare(path, context).catch((error: unknown) => {
      this.#inPreparation -= 1;
      this.#begin();
      throw error;
    });
    await using document = prepared;
    this.#inPreparation -= 1;
    const marked = await this.#gather(document, context);
    return { markdown: marked, marked, pages: document.pages, inputHash: document.inputHash };
  }

  finish(): void {
    this.#noneFollow = true;
    this.#begin();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new CofferdamError("CLOSED", "the engine is closed"));
    await this.#atWork?.ended;
  }

  #gather(document: Prepared, { signal, onStart }: ConversionContext): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let settled = false;
    let attempt = 0;
    const settle = (): void => {
      settled = true;
      for (const each of signals) each.removeEventListener("abort", onAbort);
    };
    const entry: Entry = {
      document,
      isSettled: () => settled,
      onStart: () => onStart?.((attempt += 1)),
      succeed: (marked) => {
        settle();
        resolve(marked);
      },
      fail: (error) => {
        settle();
        reject(error);
      },
    };
    const onAbort = (): void => {
      entry.fail(new CofferdamError("CANCELLED", `${document.name} was cancelled`));
      this.#stopIfNobodyWaits();
    };
    const signals = [signal, this.#closed.signal].filter((each) => each !== undefined);
    for (const each of signals) each.addEventListener("abort", onAbort, { once: true });
    this.#gathered.push(entry);
    if (signals.some((each) => each.aborted)) onAbort();
    this.#begin();
    return promise;
  }

  #begin(): void {
    if (this.#atWork) return;
    const group = this.#nextGroup();
    if (group.length === 0) return;
    this.#group = group;
    const stop = new AbortController();
    const ended = this.#work(group, stop.signal).finally(() => {
      this.#atWork = null;
      this.#begin();
    });
    this.#atWork = { ended, stop };
  }

  #nextGroup(): readonly Entry[] {
    for (let again = this.#again.shift(); again; again = this.#again.shift()) {
      const open = again.filter((entry) => !entry.isSettled());
      if (open.length > 0) return open;
    }
    const open = this.#gathered.filter((entry) => !entry.isSettled());
    this.#gathered.splice(0, Infinity, ...open);
    const isAll = this.#noneFollow && this.#inPreparation === 0;
    if (open.length < this.#size && !isAll) return [];
    return this.#gathered.splice(0, this.#size);
  }

  /** Settles each of the group, or puts it among those that are done again. Never rejects. */
  async #work(group: readonly Entry[], signal: AbortSignal): Promise<void> {
    try {
      this.#installation.check();
      const [only] = group;
      if (group.length === 1 && only) await this.#alone(only, signal);
      else await this.#together(group, signal);
    } catch (error) {
      this.#installation.learn(error);
      for (const entry of group) if (!entry.isSettled()) entry.fail(error as Error);
    }
  }

  async #alone(entry: Entry, signal: AbortSignal): Promise<void> {
    entry.onStart();
    entry.succeed(await convertSingle(this.#scope, this.#settings, entry.document, signal));
  }

  async #together(group: readonly Entry[], signal: AbortSignal): Promise<void> {
    const name = `batch-${String(this.#nextBatch++).padStart(6, "0")}`;
    const folder = join(this.#settings.scratch, name);
    const learning = group.map((entry) => this.#learningFrom(entry));
    const left = await runBatch(this.#scope, this.#settings, folder, learning, signal);
    this.#again.unshift(...splitUnfinished(left.suspects, left.others));
  }

  #learningFrom(entry: Entry): Entry {
    return {
      ...entry,
      fail: (error) => {
        this.#installation.learn(error);
        entry.fail(error);
      },
    };
  }

  #stopIfNobodyWaits(): void {
    if (this.#group.every((entry) => entry.isSettled())) this.#atWork?.stop.abort();
  }
}
