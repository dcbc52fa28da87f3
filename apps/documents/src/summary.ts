import {
  escapeForTerminal,
  formatBytes,
  formatCount,
  formatDuration,
  summarizeProcesses,
} from "cofferdam";
import type { ConvertDocumentsResult } from "./convert-documents.ts";

/** The last lines of a run: what became of the documents, and of the processes. */
export function summarize(result: ConvertDocumentsResult, out: string): string {
  const { counts, copies, durationMs, failures, scope } = result;
  const known = failures.filter(({ since }) => since !== undefined).length;
  const converted = counts.done - copies;
  const parts = [
    converted > 0 || counts.done + counts.skipped === 0
      ? `${formatCount(converted)} converted`
      : null,
    copies > 0 ? `${formatCount(copies)} ${copies === 1 ? "copy" : "copies"}` : null,
    counts.skipped > 0 ? `${formatCount(counts.skipped)} unchanged` : null,
    `${formatCount(counts.failed)} failed${known > 0 ? ` (${tellKnown(known, counts.failed)})` : ""}`,
    counts.pending > 0 ? `${formatCount(counts.pending)} not done` : null,
    formatDuration(durationMs),
    scope.peakMemoryBytes.value > 0 ? `peak ${formatBytes(scope.peakMemoryBytes.value)}` : null,
  ];
  const documents = parts.filter((part) => part !== null).join(" · ");
  return `${documents} → ${escapeForTerminal(out)}\n${summarizeProcesses(scope)}\n`;
}

function tellKnown(known: number, failed: number): string {
  const which = known === failed ? "known" : `${formatCount(known)} known`;
  return `${which}; --retry-failed tries again`;
}
