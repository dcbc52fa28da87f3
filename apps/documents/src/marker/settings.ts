import type { Size } from "cofferdam";
import type { Device } from "./device.ts";
import type { Marker } from "./find-marker.ts";

/** How Marker is run, checked and with all defaults. */
export interface MarkerSettings {
  readonly marker: Marker;
  readonly device: Device;
  /** Programs at once, or with batches the workers of one program. */
  readonly workers: number;
  /** CPUs that one worker may use. */
  readonly cpusPerWorker: number;
  /** For a document; and in a batch also for the time in which nothing at all gets done. */
  readonly timeoutMs: number;
  /** For each worker, with all that it starts. */
  readonly memoryBytes: number;
  readonly pages: readonly number[] | undefined;
  /** A folder of ours alone, for inputs and outputs; a crashed run's is removed by the next. */
  readonly scratch: string;
  /** Something a person should know that is no failure. */
  readonly notice: (level: "info" | "warning", message: string) => void;
}

/** What `exec` is told of a bound. */
export function memoryFor(settings: MarkerSettings, workers: number): Size {
  return settings.memoryBytes * workers;
}
