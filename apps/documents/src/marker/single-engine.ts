import type { Limiter, Scope } from "cofferdam";
import type { Conversion, ConversionContext, Engine } from "../engines/engine.ts";
import { Installation } from "./installation.ts";
import type { Preparation } from "./prepare.ts";
import type { MarkerSettings } from "./settings.ts";
import { convertSingle } from "./single.ts";

/** Marker, a process for each document: nothing of one document can reach the next. */
export class MarkerSingles implements Engine {
  readonly name = "marker";
  readonly version: string;
  readonly workers: number;
  readonly appetite: number;
  readonly #scope: Scope;
  readonly #settings: MarkerSettings;
  readonly #preparation: Preparation;
  readonly #turns: Limiter;
  readonly #installation = new Installation();

  constructor(scope: Scope, settings: MarkerSettings, preparation: Preparation) {
    this.version = settings.marker.version;
    this.workers = settings.workers;
    // One more, so that the next document is copied and looked at when its turn comes.
    this.appetite = settings.workers + 1;
    this.#scope = scope;
    this.#settings = settings;
    this.#preparation = preparation;
    this.#turns = scope.limiter("marker", { concurrency: settings.workers });
  }

  async convert(path: string, context: ConversionContext): Promise<Conversion> {
    await using document = await this.#preparation.prepare(path, context);
    const { signal } = context;
    const turn = await this.#turns.acquire(signal ? { signal } : {});
    try {
      const marked = await this.#installation.watch(() => {
        context.onStart?.(1);
        return convertSingle(this.#scope, this.#settings, document, signal);
      });
      return { markdown: marked, marked, pages: document.pages, inputHash: document.inputHash };
    } finally {
      turn.release();
    }
  }

  finish(): void {
    // Each document is begun as soon as it is its turn.
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
