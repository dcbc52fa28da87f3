import { availableParallelism } from "node:os";
import { extname } from "node:path";
import type { Duration, Pool, Scope, Size } from "cofferdam";
import type * as Worker from "../convert-worker.ts";
import { embeddedEngine } from "../embedded/index.ts";
import type { Conversion, ConversionContext, Engine, ReadSettings } from "./engine.ts";

/** What runs in a worker process of this application. */
export const workerModule = new URL(
  `../convert-worker${extname(import.meta.url)}`,
  import.meta.url,
);

export interface EmbeddedSettings extends ReadSettings {
  readonly workers: number | undefined;
  readonly timeout: Duration | undefined;
  readonly memory: Size | undefined;
}

/** The embedded engine in warm workers. */
export class EmbeddedPool implements Engine {
  readonly name = embeddedEngine.name;
  readonly version = embeddedEngine.version;
  readonly workers: number;
  readonly appetite: number;
  readonly #pool: Pool<typeof Worker>;
  readonly #settings: EmbeddedSettings;

  constructor(scope: Scope, settings: EmbeddedSettings) {
    this.workers = settings.workers ?? availableParallelism();
    // Twice, so that no worker waits while another's result is written.
    this.appetite = this.workers * 2;
    this.#settings = settings;
    this.#pool = scope.pool<typeof Worker>(workerModule, {
      workers: this.workers,
      timeout: settings.timeout ?? "10m",
      memory: settings.memory ?? "2 GB",
    });
  }

  async convert(path: string, { signal, onStart }: ConversionContext): Promise<Conversion> {
    const { pageMarkers, marked, pages } = this.#settings;
    const read = await this.#pool.runWith(
      { ...(signal ? { signal } : {}), ...(onStart ? { onStart } : {}) },
      "convert",
      path,
      { pageMarkers, marked, ...(pages ? { pages } : {}) },
    );
    return { ...read, marked: read.marked ?? null };
  }

  finish(): void {
    // Each document is begun as soon as a worker is free.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}
