import type { FailureRecord } from "../run/failures.ts";

/** What is kept of an item that was refused: it was never tried. */
export function refusalOf(stage: string, item: string, message: string): FailureRecord {
  return {
    ...{ stage, item, code: "OUTPUT", cause: "output", message, attempts: 0 },
    ...{ exitCode: null, signal: null, peakMemoryBytes: null, durationMs: 0 },
    ...{ at: new Date().toISOString(), command: null, module: null, environment: [] },
    ...{ limits: { timeoutMs: null, memoryBytes: null }, folder: null },
  };
}
