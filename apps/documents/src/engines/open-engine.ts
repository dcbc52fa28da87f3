import { rm } from "node:fs/promises";
import type { Duration, Scope, Size } from "cofferdam";
import { withoutMarkers } from "../pages/page-markers.ts";
import type { Device } from "../marker/device.ts";
import { openMarker } from "../marker/open-marker.ts";
import { EmbeddedPool } from "./embedded.ts";
import type { Conversion, ConversionContext, Engine, EngineName, ReadSettings } from "./engine.ts";

/** What a caller may say of an engine. */
export interface EngineOptions {
  /** Default `embedded`. */
  readonly engine?: EngineName;
  /** Documents at once. Default: the number of CPUs; with Marker 1, as each loads the models. */
  readonly workers?: number;
  /** For each document. Default 10 min. */
  readonly timeout?: Duration;
  /** For each worker, with all that it starts. Default 2 GB; with Marker 8 GB. */
  readonly memory?: Size;
  /** Where Marker's models compute. Default `auto`: Marker chooses. */
  readonly device?: Device;
  /** Send so many documents through one Marker. Default: a Marker for each document. */
  readonly batch?: number;
  /** The folder of Marker's programs. Default: they are on PATH. */
  readonly marker?: string;
}

export interface EnginePlace {
  /** For what Marker works on: a folder that is ours alone. */
  readonly scratch: string;
  readonly notice: (level: "info" | "warning", message: string) => void;
}

/** Rejects with `TOOL_UNAVAILABLE` where the engine's program is not there. */
export async function openEngine(
  scope: Scope,
  options: EngineOptions,
  reading: ReadSettings,
  place: EnginePlace,
): Promise<Engine> {
  const { workers, timeout, memory } = options;
  if (options.engine !== "marker")
    return new EmbeddedPool(scope, { ...reading, workers, timeout, memory });
  const marker = await openMarker(scope, {
    workers,
    timeout,
    memory,
    pages: reading.pages,
    device: options.device ?? "auto",
    batch: options.batch,
    folder: options.marker,
    ...place,
  });
  return new AsAsked(marker, reading, place.scratch);
}

/** Marker, giving what was asked for of a text that has page markers in any case. */
class AsAsked implements Engine {
  readonly #engine: Engine;
  readonly #reading: ReadSettings;
  readonly #scratch: string;
  readonly name: EngineName;
  readonly version: string;
  readonly workers: number;
  readonly appetite: number;

  constructor(engine: Engine, reading: ReadSettings, scratch: string) {
    this.#engine = engine;
    this.#reading = reading;
    this.#scratch = scratch;
    this.name = engine.name;
    this.version = engine.version;
    this.workers = engine.workers;
    this.appetite = engine.appetite;
  }

  async convert(path: string, context: ConversionContext): Promise<Conversion> {
    const conversion = await this.#engine.convert(path, context);
    const { pageMarkers, marked } = this.#reading;
    return {
      ...conversion,
      markdown: pageMarkers ? conversion.markdown : withoutMarkers(conversion.markdown),
      marked: marked ? conversion.marked : null,
    };
  }

  finish(): void {
    this.#engine.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine[Symbol.asyncDispose]();
    await rm(this.#scratch, { recursive: true, force: true });
  }
}
