import { join } from "node:path";
import { formatDuration, TaskError, type Scope, type TaskResult } from "cofferdam";
import { singleCommand } from "./arguments.ts";
import { markerEnvironment } from "./environment.ts";
import { describeEnd, explainSingle } from "./explain.ts";
import { hasText, readOutput } from "./output.ts";
import type { Prepared } from "./prepare.ts";
import { memoryFor, type MarkerSettings } from "./settings.ts";

/** What is kept of each output stream: it goes into messages only. */
export const maxOutput = "1 MB";

/**
 * One document through one `marker_single`, which ends with everything that it has started. Gives
 * the text with page markers. Rejects with a `MarkerError`, or with the runtime's own error.
 */
export async function convertSingle(
  scope: Scope,
  settings: MarkerSettings,
  document: Prepared,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { marker, pages, cpusPerWorker, notice } = settings;
  notice("info", `Starting isolated Marker processing for: ${document.name}`);
  const output = join(document.folder, "output");
  const result: TaskResult = await scope.exec(
    singleCommand(marker, document.copy, { output, pages }),
    {
      ...markerEnvironment(settings.device),
      cwd: document.folder,
      timeout: settings.timeoutMs,
      memory: memoryFor(settings, 1),
      cpus: cpusPerWorker,
      threads: cpusPerWorker,
      maxOutput,
      reject: false,
      ...(signal ? { signal } : {}),
    },
  );
  if (result instanceof TaskError && result.code === "CANCELLED") throw result;
  const marked = await readOutput(output, document.stem);
  if (marked === null || !hasText(marked)) throw explainSingle(result, marked !== null);
  const end = describeEnd(result);
  const took = formatDuration(result.durationMs);
  if (end === null) notice("info", `Marker processing completed for: ${document.name} (${took})`);
  else notice("warning", `${document.name} was converted whole, and then ${end}`);
  return marked;
}
